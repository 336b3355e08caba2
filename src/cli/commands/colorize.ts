/** `hueline colorize`: pictures in, gray made colour by a pretrained colorizer, PNG files out. */
import path from "node:path";
import { ExitCode } from "../../base/errors.ts";
import type { Environment } from "../environment.ts";
import { makeLocalFolder } from "../local-folder.ts";
import { printJson, type OutputFormat } from "../output.ts";
import { findArtifact } from "../run-artifacts.ts";
import { openStoreOption } from "../store-option.ts";

export async function colorize(
  environment: Environment,
  [weights = "", ...images]: readonly string[],
  options: {
    readonly store?: string;
    readonly output: OutputFormat;
    readonly to: string;
  },
): Promise<ExitCode> {
  const { currentDirectory } = environment;
  const store = openStoreOption(options.store, environment);
  const manifest = await findArtifact(store, weights);
  const outputDirectory = path.resolve(currentDirectory, options.to);
  await makeLocalFolder(outputDirectory);
  const pictures = await environment.services.colorize({
    store,
    manifest,
    images: images.map((image) => path.resolve(currentDirectory, image)),
    outputDirectory,
  });
  if (options.output === "json") printJson(environment.stdout, pictures);
  else
    for (const { output } of pictures) environment.stdout.write(`${output}\n`);
  return ExitCode.done;
}
