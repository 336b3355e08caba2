/**
 * `hueline weights`: files of other programs' weights as ours, and back. What is imported and exported again has the bytes that
 * it had, if the reference writer of safetensors wrote it.
 */
import { writeFile } from "node:fs/promises";
import { UserError } from "../../base/errors.ts";
import { networkOf } from "../../model/networks.ts";
import { suggest } from "../../spec/check/nearest-name.ts";
import {
  MODELS,
  modelOptionsOf,
  type ModelOptions,
} from "../../spec/params/params-model.ts";
import type { Manifest } from "../../store/artifacts/manifest.ts";
import type { Safetensors } from "../../store/artifacts/safetensors.ts";
import type { Store } from "../../store/store.ts";
import { onLocalFile } from "../../store/transfer/local-files.ts";
import {
  FINETUNED_FILE,
  ENCODER_FILE,
  openModelFiles,
  readEncoderWeights,
  readModelDescription,
} from "../_model-files.ts";
import {
  readTorchvision,
  torchvisionArchs,
  writeTorchvision,
} from "./_torchvision-file.ts";
import {
  encodeWeightFile,
  readOwn,
  readSafetensorsFile,
  readWeightFile,
  type WeightFile,
} from "./_weight-file.ts";

/** A file of ours, or the artifact of a stage. */
export type WeightSource =
  | { readonly file: string }
  | { readonly store: Store; readonly manifest: Manifest };

export type Names = "torchvision" | "hueline";

type Scale = Partial<Pick<ModelOptions, "width">> & {
  readonly depth?: number;
};

type Reader = (
  path: string,
  file: Safetensors,
  options: ModelOptions,
) => WeightFile;

const formats: Readonly<
  Record<
    Names,
    {
      readonly archs: Readonly<Record<string, ModelOptions>>;
      readonly read: Reader;
      write(
        file: WeightFile,
        source: string,
      ): { readonly bytes: Uint8Array; readonly leftOut: readonly string[] };
    }
  >
> = {
  torchvision: {
    archs: torchvisionArchs,
    read: readTorchvision,
    write: writeTorchvision,
  },
  hueline: {
    archs: Object.fromEntries(
      MODELS.map((name) => [name, modelOptionsOf(name)]),
    ),
    read: readOwn,
    write: (file) => ({ bytes: encodeWeightFile(file), leftOut: [] }),
  },
};

/** Reads a file in those names, and writes it in ours. @throws UserError `weights.arch`, `weights.mismatch`, … */
export async function importWeights(request: {
  readonly file: string;
  readonly arch: string;
  readonly names: Names;
  readonly output: string;
  readonly scale: Scale;
}): Promise<{ readonly model: unknown; readonly tensors: number }> {
  const { file, arch, names, output, scale } = request;
  const { archs, read } = formats[names];
  const options = Object.hasOwn(archs, arch) ? archs[arch] : undefined;
  if (!options)
    throw new UserError({
      code: "weights.arch",
      message: `expected an architecture of ${names}, found '${arch}'`,
      hint: `${suggest(arch, Object.keys(archs))}`,
    });
  const decoded = read(
    file,
    await readSafetensorsFile(file),
    Object.assign({}, options, scale),
  );
  await write(output, encodeWeightFile(decoded));
  return { model: decoded.network.model, tensors: decoded.weights.size };
}

/** Writes weights of ours in those names, and names those that have none there. */
export async function exportWeights(request: {
  readonly source: WeightSource;
  readonly names: Names;
  readonly output: string;
}): Promise<{ readonly leftOut: readonly string[] }> {
  const { source, names, output } = request;
  const file = await openWeights(source);
  const name = "file" in source ? source.file : source.manifest.key;
  const { bytes, leftOut } = formats[names].write(file, name);
  await write(output, bytes);
  return { leftOut };
}

/** Network and weights of a file or an artifact: an encoder, and the linear layer above it where there is one. */
export async function openWeights(source: WeightSource): Promise<WeightFile> {
  if ("file" in source) return await readWeightFile(source.file);
  const files = openModelFiles(source.store, source.manifest);
  const { network: choice } = await readModelDescription(files);
  const network = networkOf(choice);
  const file = source.manifest.files.some(({ path }) => path === ENCODER_FILE)
    ? ENCODER_FILE
    : FINETUNED_FILE;
  const weights = await readEncoderWeights(files, file, network);
  return { network, weights, foreign: null };
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await onLocalFile("write", path, () => writeFile(path, bytes));
}
