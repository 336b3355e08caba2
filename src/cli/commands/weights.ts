/** `hueline weights`: what is in a safetensors file (`ls`), and other programs' weights as ours (`import`) and back (`export`). */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { ExitCode, UserError } from "../../base/errors.ts";
import { decodeSafetensors } from "../../store/artifacts/safetensors.ts";
import { onLocalFile } from "../../store/transfer/local-files.ts";
import type { Environment, WeightNames } from "../environment.ts";
import { makeLocalFolder } from "../local-folder.ts";
import { formatTable, printJson } from "../output.ts";
import { findWeights } from "../weight-source.ts";

type WeightsOptions = {
  readonly store?: string;
  readonly output?: string;
  readonly arch?: string;
  readonly names: WeightNames;
  readonly width?: number;
  readonly depth?: number;
};

type Action = (
  environment: Environment,
  given: string,
  options: WeightsOptions,
) => Promise<ExitCode>;

const actions: Readonly<Record<string, Action>> = {
  ls: list,
  import: importFile,
  export: exportFile,
};

export async function weights(
  environment: Environment,
  [action = "", given = ""]: readonly string[],
  options: WeightsOptions,
): Promise<ExitCode> {
  const act = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (act === undefined)
    throw new UserError({
      code: "cli.unknown-action",
      message: `expected ls, import or export, found '${action}'`,
      hint: "hueline weights ls FILE",
      exitCode: ExitCode.usage,
    });
  return await act(environment, given, options);
}

async function list(
  { stdout, currentDirectory }: Environment,
  given: string,
  { output = "text" }: WeightsOptions,
): Promise<ExitCode> {
  const file = path.resolve(currentDirectory, given);
  const bytes = await onLocalFile("read", file, () => readFile(file));
  const { tensors, metadata } = decodeSafetensors(bytes);
  const rows = [...tensors].map(([name, { dtype, shape }]) => ({
    name,
    dtype,
    shape,
    numbers: shape.reduce((size, side) => size * side, 1),
  }));
  const numbers = rows.reduce((sum, row) => sum + row.numbers, 0);
  if (output === "json") {
    printJson(stdout, { tensors: rows, numbers, metadata });
    return ExitCode.done;
  }
  stdout.write(
    formatTable(rows, [
      { title: "tensor", value: ({ name }) => name },
      { title: "type", value: ({ dtype }) => dtype },
      { title: "shape", value: ({ shape }) => `[${shape.join(", ")}]` },
    ]),
  );
  stdout.write(
    `${rows.length} tensors, ${numbers.toLocaleString("en")} numbers\n`,
  );
  for (const [key, value] of Object.entries(metadata))
    stdout.write(`${key}: ${value}\n`);
  return ExitCode.done;
}

async function importFile(
  environment: Environment,
  given: string,
  options: WeightsOptions,
): Promise<ExitCode> {
  const { arch, names, width, depth } = options;
  if (arch === undefined)
    throw missing("--arch", "which network the weights are of");
  const output = await outputFile(environment, options);
  const service = await environment.services.weights();
  const { model, tensors } = await service.importWeights({
    file: path.resolve(environment.currentDirectory, given),
    arch,
    names,
    output,
    scale: {
      ...(width === undefined ? {} : { width }),
      ...(depth === undefined ? {} : { depth }),
    },
  });
  environment.stdout.write(
    `${output}: ${tensors} tensors of ${JSON.stringify(model)}\n`,
  );
  return ExitCode.done;
}

async function exportFile(
  environment: Environment,
  given: string,
  options: WeightsOptions,
): Promise<ExitCode> {
  const { names, store } = options;
  const source = await findWeights(environment, given, store);
  const output = await outputFile(environment, options);
  const service = await environment.services.weights();
  const { leftOut } = await service.exportWeights({ source, names, output });
  environment.stdout.write(`${output}\n`);
  if (leftOut.length > 0)
    environment.stderr.write(
      `left out, ${names} has no name for them: ${leftOut.join(", ")}; --names hueline keeps everything\n`,
    );
  return ExitCode.done;
}

async function outputFile(
  { currentDirectory }: Environment,
  { output }: WeightsOptions,
): Promise<string> {
  if (output === undefined) throw missing("-o", "where to write");
  const file = path.resolve(currentDirectory, output);
  await makeLocalFolder(path.dirname(file));
  return file;
}

function missing(option: string, what: string): UserError {
  return new UserError({
    code: "cli.missing-option",
    message: `expected ${option}: ${what}`,
    hint: "hueline weights --help",
    exitCode: ExitCode.usage,
  });
}
