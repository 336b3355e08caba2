/** Weights as people name them: a file, or an artifact of the store. */
import { existsSync } from "node:fs";
import path from "node:path";
import type { Environment, WeightSource } from "./environment.ts";
import { findArtifact } from "./run-artifacts.ts";
import { openStoreOption } from "./store-option.ts";

/** A file of that name comes first: `vgg16.safetensors` is no key, and a run's name is no file. */
export async function findWeights(
  environment: Environment,
  given: string,
  storeOption: string | undefined,
): Promise<WeightSource> {
  const file = path.resolve(environment.currentDirectory, given);
  if (existsSync(file)) return { file };
  const store = openStoreOption(storeOption, environment);
  return { store, manifest: await findArtifact(store, given) };
}
