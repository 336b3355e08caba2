/** `hueline features`: pictures in, the maps of one layer out, as a safetensors file. */
import path from "node:path";
import { ExitCode } from "../../base/errors.ts";
import type { Environment } from "../environment.ts";
import { makeLocalFolder } from "../local-folder.ts";
import { formatTable } from "../output.ts";
import { findWeights } from "../weight-source.ts";

export async function features(
  environment: Environment,
  [weights = "", ...images]: readonly string[],
  options: {
    readonly store?: string;
    readonly layer: string;
    readonly output: string;
  },
): Promise<ExitCode> {
  const { currentDirectory } = environment;
  const source = await findWeights(environment, weights, options.store);
  const output = path.resolve(currentDirectory, options.output);
  await makeLocalFolder(path.dirname(output));
  const written = await environment.services.features({
    source,
    images: images.map((image) => path.resolve(currentDirectory, image)),
    layer: options.layer,
    output,
  });
  environment.stdout.write(
    formatTable(written, [
      { title: "tensor", value: ({ name }) => name },
      { title: "shape", value: ({ shape }) => `[${shape.join(", ")}]` },
    ]),
  );
  return ExitCode.done;
}
