/**
 * `hueline weights`: files of other programs' weights as ours, and back. What is imported and exported again has the bytes that
 * it had, if the reference writer of safetensors wrote it.
 */
import { writeFile } from "node:fs/promises";
import { UserError } from "../../base/errors.ts";
import { foldStatistics } from "../../model/encoder-weights.ts";
import { fromForeign, toForeign } from "../../model/foreign-weights.ts";
import { geometryOf, type Network } from "../../model/network.ts";
import { networkOf } from "../../model/networks.ts";
import {
  formOf,
  torchvisionNames,
  type ForeignNames,
} from "../../model/torchvision.ts";
import type { Weights } from "../../model/weights.ts";
import {
  MODELS,
  modelOptionsOf,
  type ModelOptions,
} from "../../spec/params/params-model.ts";
import type { Manifest } from "../../store/artifacts/manifest.ts";
import type { TensorData } from "../../store/artifacts/safetensors-header.ts";
import { encodeSafetensors } from "../../store/artifacts/safetensors.ts";
import type { Store } from "../../store/store.ts";
import { onLocalFile } from "../../store/transfer/local-files.ts";
import { toTensorData } from "../../train/variables.ts";
import {
  FINETUNED_FILE,
  ENCODER_FILE,
  openModelFiles,
  readEncoderWeights,
  readModelDescription,
} from "../_model-files.ts";
import {
  checkOwnWeights,
  encodeWeightFile,
  mismatch,
  readSafetensorsFile,
  readWeightFile,
  toWeightsOfFile,
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

/** Networks as torchvision builds them: no padding where its classifier has none, the stride of a stage in the 3x3. */
const torchvisionArchs: Readonly<Record<string, ModelOptions>> = {
  alexnet: {
    ...modelOptionsOf("alexnet"),
    batchNorm: "none",
    mode: "classification",
    lrn: false,
  },
  vgg16: {
    ...modelOptionsOf("vgg16"),
    batchNorm: "none",
    mode: "classification",
  },
  vgg16_bn: {
    ...modelOptionsOf("vgg16"),
    batchNorm: "convolutions",
    mode: "classification",
  },
  resnet50: { ...modelOptionsOf("resnet50"), stride: "3x3" },
  resnet101: { ...modelOptionsOf("resnet101"), stride: "3x3" },
  resnet152: { ...modelOptionsOf("resnet152"), stride: "3x3" },
};

type Reader = (path: string, options: ModelOptions) => Promise<WeightFile>;

const formats: Readonly<
  Record<
    Names,
    {
      readonly archs: Readonly<Record<string, ModelOptions>>;
      readonly read: Reader;
      write(file: WeightFile, source: string): Uint8Array;
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
    write: (file) => encodeWeightFile(file),
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
      hint: `one of ${Object.keys(archs).join(", ")}`,
    });
  const decoded = await read(file, Object.assign({}, options, scale));
  await write(output, encodeWeightFile(decoded));
  return { model: decoded.network.model, tensors: decoded.weights.size };
}

/** Writes weights of ours in those names. */
export async function exportWeights(request: {
  readonly source: WeightSource;
  readonly names: Names;
  readonly output: string;
}): Promise<void> {
  const { source, names, output } = request;
  const file = await openWeights(source);
  const name = "file" in source ? source.file : source.manifest.key;
  await write(output, formats[names].write(file, name));
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

async function readOwn(
  path: string,
  options: ModelOptions,
): Promise<WeightFile> {
  const { tensors } = await readSafetensorsFile(path);
  const weights = toWeightsOfFile(path, tensors);
  const network = networkOf(withInput(path, options, weights, 2));
  checkOwnWeights(path, network, weights);
  return { network, weights, foreign: null };
}

async function readTorchvision(
  path: string,
  options: ModelOptions,
): Promise<WeightFile> {
  const { tensors, metadata } = await readSafetensorsFile(path);
  const { counters, rest } = takeCounters(tensors);
  const theirs = toWeightsOfFile(path, rest);
  const network = networkOf(withInput(path, options, theirs, 1));
  const names = namesFor(path, network, { isFolded: false });
  const above = geometryOf(network).at(-1)?.width ?? 0;
  const ours = fromForeign(network, names, theirs, above);
  if ("problem" in ours) throw mismatch(path, ours.problem);
  const batchesTracked = Object.fromEntries(counters);
  return { network, weights: ours, foreign: { metadata, batchesTracked } };
}

const COUNTER = ".num_batches_tracked";

/** PyTorch's counters of batches, whole numbers of 64 bits, and all the rest. */
function takeCounters(tensors: ReadonlyMap<string, TensorData>): {
  readonly counters: readonly (readonly [string, string])[];
  readonly rest: ReadonlyMap<string, TensorData>;
} {
  const isCounter = ([name, { dtype, shape }]: [string, TensorData]) =>
    name.endsWith(COUNTER) && dtype === "I64" && shape.length === 0;
  return {
    counters: [...tensors].filter(isCounter).map(([name, { bytes }]) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
      const module = name.slice(0, -COUNTER.length);
      return [module, String(view.getBigInt64(0, true))];
    }),
    rest: new Map([...tensors].filter((entry) => !isCounter(entry))),
  };
}

function counterTensor(count: string): TensorData {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(
    0,
    BigInt.asIntN(64, BigInt(count)),
    true,
  );
  return { dtype: "I64", shape: [], bytes };
}

function writeTorchvision(file: WeightFile, source: string): Uint8Array {
  const { network, foreign } = file;
  // Torchvision's batch norm has parameters; the same function without batch norm has a place there.
  const options = modelOptionsOf(network.model);
  const weights =
    "batchNorm" in options && options.batchNorm === "parameter-free"
      ? foldStatistics(network, file.weights)
      : file.weights;
  const names = namesFor(source, network, formOf(network, weights));
  const known = new Set(names.batchNorms);
  const counters = Object.entries(foreign?.batchesTracked ?? {})
    .filter(([module]) => known.has(module))
    .map(
      ([module, count]) =>
        [`${module}${COUNTER}`, counterTensor(count)] as const,
    );
  return encodeSafetensors(
    new Map([...toTensorData(toForeign(names, weights)), ...counters]),
    foreign?.metadata ?? { format: "pt" },
  );
}

function namesFor(
  source: string,
  network: Network,
  form: { readonly isFolded: boolean },
): ForeignNames {
  const { network: name } = modelOptionsOf(network.model);
  const names = torchvisionNames(name, network, form);
  if (names && names.without.length === 0) return names;
  const what = names?.without.slice(0, 2).join(", ") ?? `the network ${name}`;
  throw new UserError({
    code: "weights.no-place",
    message: `'${source}': torchvision has no place for ${what}`,
    hint: names
      ? "fold batch norm into the weights first (stage convert, fold: true)"
      : "export with --names hueline",
  });
}

/** Gray or colour, by the channels that the first convolution of the file reads. */
function withInput(
  path: string,
  options: ModelOptions,
  weights: Weights,
  axis: number,
): ModelOptions {
  const first = [...weights].find(
    ([name, { shape }]) =>
      /^(features\.0|conv1|conv1_1)[./]weight$/.test(name) &&
      shape.length === 4,
  );
  const channels = first?.[1].shape[axis];
  const input = { 1: "gray", 3: "rgb" } as const;
  if (channels === 1 || channels === 3)
    return { ...options, input: input[channels] };
  throw mismatch(
    path,
    first
      ? `holds '${first[0]}' for ${channels} channels, expected 1 or 3`
      : "holds no first convolution of this network",
  );
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await onLocalFile("write", path, () => writeFile(path, bytes));
}
