/**
 * Files in torchvision's names: read as ours and written back. What is read and written again has the bytes that it had, if the
 * reference writer of safetensors wrote it.
 */
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
import { didYouMean } from "../../spec/check/nearest-name.ts";
import {
  modelOptionsOf,
  type ModelOptions,
  type TorchvisionArch,
} from "../../spec/params/params-model.ts";
import type { TensorData } from "../../store/artifacts/safetensors-header.ts";
import {
  encodeSafetensors,
  type Safetensors,
} from "../../store/artifacts/safetensors.ts";
import { toTensorData } from "../../train/variables.ts";
import {
  mismatch,
  toWeightsOfFile,
  withInput,
  type WeightFile,
} from "./_weight-file.ts";

/** Networks as torchvision builds them: no padding where its classifier has none, the stride of a stage in the 3x3. */
export const torchvisionArchs: Readonly<Record<TorchvisionArch, ModelOptions>> =
  {
    alexnet: {
      ...modelOptionsOf("alexnet"),
      batchNorm: "none",
      mode: "classification",
      lrn: false,
      filters: "torchvision",
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

/** Weights under torchvision's names as ours. `path`: where they came from, for messages. */
export function readTorchvision(
  path: string,
  { tensors, metadata }: Safetensors,
  options: ModelOptions,
): WeightFile {
  const { counters, rest } = takeCounters(tensors);
  const theirs = toWeightsOfFile(path, rest);
  const { network, ours } = toOurs(path, theirs, options);
  if ("problem" in ours) {
    const fitting = archOf(path, theirs, options);
    throw mismatch(path, ours.problem, fitting && didYouMean(fitting));
  }
  const batchesTracked = Object.fromEntries(counters);
  return { network, weights: ours, foreign: { metadata, batchesTracked } };
}

function toOurs(path: string, theirs: Weights, options: ModelOptions) {
  const network = networkOf(withInput(path, options, theirs, 1));
  const names = namesFor(path, network, { isFolded: false });
  const above = geometryOf(network).at(-1)?.width ?? 0;
  return { network, ours: fromForeign(network, names, theirs, above) };
}

/** The architecture whose tensors these are, at the width and depth that were asked for; undefined: none of those that are known. */
function archOf(
  path: string,
  theirs: Weights,
  options: ModelOptions,
): string | undefined {
  const scale = Object.fromEntries(
    Object.entries(options).filter(([option]) =>
      ["width", "depth"].includes(option),
    ),
  );
  return Object.entries(torchvisionArchs).find(([, other]) => {
    const scaled = Object.assign({}, other, scale);
    return !("problem" in toOurs(path, theirs, scaled).ours);
  })?.[0];
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

/**
 * Our weights under torchvision's names. What has no name there, such as the head of a segmenter, is left out and listed.
 * @throws UserError `weights.no-place` where the encoder itself has none.
 */
export function writeTorchvision(
  { network, weights: given, foreign }: WeightFile,
  source: string,
): { readonly bytes: Uint8Array; readonly leftOut: readonly string[] } {
  // Torchvision's batch norm has parameters; the same function without batch norm has a place there.
  const options = modelOptionsOf(network.model);
  const folded =
    "batchNorm" in options && options.batchNorm === "parameter-free"
      ? foldStatistics(network, given)
      : given;
  const weights = withoutOtherClassifier(network, folded);
  const names = namesFor(source, network, formOf(network, weights));
  const pairs = [...names.encoder, ...names.classifier];
  const named = new Set(pairs.map(({ ours }) => ours));
  const modules = new Set(names.batchNorms);
  const counters = Object.entries(foreign?.batchesTracked ?? {})
    .filter(([module]) => modules.has(module))
    .map(
      ([module, count]) =>
        [`${module}${COUNTER}`, counterTensor(count)] as const,
    );
  const bytes = encodeSafetensors(
    new Map([...toTensorData(toForeign(names, weights)), ...counters]),
    foreign?.metadata ?? { format: "pt" },
  );
  const left = new Set(
    [...folded.keys()].filter((name) => !named.has(name) || !weights.has(name)),
  );
  return { bytes, leftOut: [...left] };
}

/** A classifier that reads several layers is none of torchvision's, which read the last one. */
function withoutOtherClassifier(network: Network, weights: Weights): Weights {
  const above = geometryOf(network).at(-1)?.width;
  const inputs = weights.get("classifier/weight")?.shape[0];
  return inputs === undefined || inputs === above
    ? weights
    : new Map([...weights].filter(([name]) => !name.startsWith("classifier/")));
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
