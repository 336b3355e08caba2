/**
 * How much memory a training will need, from declarations alone: before a machine is rented for it. Pure.
 *
 *   process      Node, TensorFlow's library, the compiled step
 *   weights      values and slots in the session and in the checkpoint behind it, first values
 *   activations  maps that are kept for the backward pass, and what flows back through them
 *   workspace    the largest weight's gradient: as it is computed, reordered, decayed and applied
 *
 * A The factors are measured, not derived: gradients in flight and what the allocator holds between steps are as much again as what is kept;
 *   the largest gradient exists three times. Peaks of workers on a CPU, 2.4 to 7.8 GB with AlexNet, ResNet-50 and VGG-16, are met within
 *   8 %, and steps alone within 6 %.
 * B Maps have the width and the side that the declaration gives them; nothing else of the images is known here.
 */
import type { ComputeParams } from "../spec/params/params-common.ts";
import { sideAfter } from "./layer-rules.ts";
import {
  convolutionsByLayer,
  type Convolution,
  type Layer,
  type Network,
} from "./network.ts";
import { parameterCount, sizeOf, type WeightDeclaration } from "./weights.ts";

export type StepMemory = {
  /** When it is largest: in a step, when the weights leave the session behind the last one, or while statistics are measured. */
  readonly peak: "step" | "end" | "statistics";
  readonly processBytes: number;
  readonly weightsBytes: number;
  readonly activationsBytes: number;
  readonly workspaceBytes: number;
  readonly totalBytes: number;
};

const PROCESS_BYTES = 480e6;
const FLOAT_BYTES = 4;
const HALF_BYTES = 2;
/** Values, slots, a checkpoint of both, and the first values, which a restart of the training begins from. */
const COPIES_WHILE_TRAINING = 5;
/** Those, and values and slots once fetched and once copied. */
const COPIES_AT_THE_END = 9;
/** What stays as it is has no slots, and no checkpoint has it. */
const FROZEN_COPIES = { [COPIES_WHILE_TRAINING]: 2, [COPIES_AT_THE_END]: 4 };
/** Values, and what they were made from and are made into. */
const COPIES_WHILE_MEASURING = 3;
/** Invariant A. */
const COPIES_OF_ACTIVATIONS = 2;
const COPIES_OF_LARGEST_WEIGHT = 3;
/** A forward pass: a map as it comes in, convolved, normalized, and behind ReLU. */
const COPIES_OF_MEASURED_MAP = 4;

export type TrainingDeclaration = {
  readonly network: Network;
  readonly side: number;
  readonly batch: number;
  /** Of the encoder that is trained, and of the head above it. */
  readonly weights: readonly WeightDeclaration[];
  /** Whether every layer of the hypercolumn is read, and a gradient of its whole map flows back from there. */
  readonly hypercolumn: boolean;
  readonly compute?: ComputeParams | undefined;
  /** Batch norm is part of the weights, and keeps nothing. */
  readonly isFolded?: boolean;
  /** Convolutions that are not trained: the lower end of the network. */
  readonly frozen?: ReadonlySet<string>;
  /** How many numbers were read to begin from. */
  readonly given?: number;
};

/** The peak of a training on `batch` square images of `side` pixels: of its steps, or of its end, when the weights are taken from the session. */
export function estimateTrainingMemory(
  options: TrainingDeclaration,
): StepMemory {
  const end = withTotal("end", {
    processBytes: PROCESS_BYTES,
    weightsBytes: bytesOfWeights(options, COPIES_AT_THE_END),
    activationsBytes: 0,
    workspaceBytes: 0,
  });
  const step = estimateStepMemory(options);
  return step.totalBytes >= end.totalBytes ? step : end;
}

/** Of its steps alone. */
export function estimateStepMemory(options: TrainingDeclaration): StepMemory {
  const { network, side, batch, weights, compute } = options;
  const { frozen = new Set(), isFolded = false } = options;
  const all = keptByLayer(network, side, isFolded);
  const frozenLayers = countFrozen(network, frozen);
  // Nothing is kept of what no gradient passes, but for the map that is in use.
  const layers = all.slice(frozenLayers);
  const transient = frozenLayers > 0 ? largestOf(all, "end") : 0;
  const valuesPerImage =
    sumOf(layers, compute?.recompute ? "end" : "kept") +
    (compute?.recompute ? largestOf(layers, "kept") : 0) +
    transient;
  const { precision = "float32" } = compute ?? {};
  const bytes = precision === "float32" ? FLOAT_BYTES : HALF_BYTES;
  const mapBytes = batch * valuesPerImage * bytes;
  const readBytes = options.hypercolumn
    ? batch * sumOf(layers, "read") * FLOAT_BYTES
    : 0;
  const trained = weights.filter(isTrained(frozen));
  const largest = Math.max(...trained.map(({ shape }) => sizeOf(shape)));
  return withTotal("step", {
    processBytes: PROCESS_BYTES,
    weightsBytes: bytesOfWeights(options, COPIES_WHILE_TRAINING),
    activationsBytes: COPIES_OF_ACTIVATIONS * (mapBytes + readBytes),
    workspaceBytes: COPIES_OF_LARGEST_WEIGHT * FLOAT_BYTES * largest,
  });
}

/** The peak while batch-norm statistics are measured, on so many images at once. */
export function estimateMeasuringMemory(options: {
  readonly network: Network;
  readonly side: number;
  readonly images: number;
  /** Of the encoder. */
  readonly weights: readonly WeightDeclaration[];
}): StepMemory {
  const { network, side, images, weights } = options;
  const largest = largestOf(keptByLayer(network, side, false), "end");
  const mapBytes = images * largest * FLOAT_BYTES;
  return withTotal("statistics", {
    processBytes: PROCESS_BYTES,
    weightsBytes:
      COPIES_WHILE_MEASURING * FLOAT_BYTES * parameterCount(weights),
    activationsBytes: COPIES_OF_MEASURED_MAP * mapBytes,
    workspaceBytes: 0,
  });
}

function bytesOfWeights(
  { weights, frozen = new Set(), given = 0 }: TrainingDeclaration,
  copies: keyof typeof FROZEN_COPIES,
): number {
  const trained = parameterCount(weights.filter(isTrained(frozen)));
  const fixed = parameterCount(weights) - trained;
  return (
    FLOAT_BYTES * (copies * trained + FROZEN_COPIES[copies] * fixed + given)
  );
}

/** Weights are called `<convolution>/<what>`. */
const isTrained =
  (frozen: ReadonlySet<string>) =>
  ({ name }: WeightDeclaration): boolean =>
    !frozen.has(name.slice(0, name.lastIndexOf("/")));

function withTotal(
  peak: StepMemory["peak"],
  parts: Omit<StepMemory, "totalBytes" | "peak">,
): StepMemory {
  const totalBytes = Object.values(parts).reduce((sum, part) => sum + part, 0);
  return { peak, ...parts, totalBytes };
}

/** Values per image that a layer's backward pass reads, its end among them. */
type Kept = {
  readonly kept: number;
  readonly end: number;
  /** Of the map that a hypercolumn reads. */
  readonly read: number;
};

/** One entry more than the network has layers: the image is the first. */
function keptByLayer(
  network: Network,
  side: number,
  isFolded: boolean,
): readonly Kept[] {
  let map: MapSize = { side, width: network.inputChannels };
  const image = { kept: 0, end: sizeOfMap(map), read: 0 };
  const read = new Set(network.hypercolumn);
  return [
    { ...image, kept: image.end },
    ...network.layers.map((layer) => {
      const { kept, end } = pass(isFolded ? folded(layer) : layer, map);
      map = end;
      const size = sizeOfMap(end);
      return { kept, end: size, read: read.has(layer.name) ? size : 0 };
    }),
  ];
}

/** How many entries of `keptByLayer` stand before the first layer that is trained. */
function countFrozen(network: Network, frozen: ReadonlySet<string>): number {
  if (frozen.size === 0) return 0;
  const first = convolutionsByLayer(network).find(
    ({ convolutions }) =>
      convolutions.length > 0 && !convolutions.every((it) => frozen.has(it)),
  );
  const at = network.layers.findIndex(({ name }) => name === first?.layer);
  return at < 0 ? network.layers.length : at;
}

function folded(layer: Layer): Layer {
  const without = <C extends Convolution>(unit: C): C => ({
    ...unit,
    batchNorm: "none",
  });
  if (layer.kind === "convolution") return without(layer);
  if (layer.kind !== "residual") return layer;
  const { branch, projection } = layer;
  return {
    ...layer,
    branch: branch.map(without),
    projection: projection ? without(projection) : projection,
  };
}

type MapSize = { readonly side: number; readonly width: number };
type Passed = { readonly kept: number; readonly end: MapSize };
type Rule<L> = (layer: L, from: MapSize) => Passed;

const rules: {
  readonly [K in Layer["kind"]]: Rule<Extract<Layer, { kind: K }>>;
} = {
  convolution(layer, from) {
    const { kept, end } = convolve(layer, from);
    // What dropout lets through, and its mask.
    const dropped = layer.dropout > 0 ? 2 * sizeOfMap(end) : 0;
    return { kept: kept + sizeOfMap(end) + dropped, end };
  },
  "max-pool"(layer, { side, width }) {
    const end = { side: sideAfter(side, layer), width };
    return { kept: sizeOfMap(end), end };
  },
  "local-response-norm": (_layer, from) => ({
    kept: sizeOfMap(from),
    end: from,
  }),
  residual({ branch, projection }, from) {
    let end = from;
    let kept = projection ? convolve(projection, from).kept : 0;
    for (const unit of branch) {
      const passed = convolve(unit, end);
      end = passed.end;
      kept += passed.kept + sizeOfMap(end);
    }
    return { kept, end };
  },
};

function pass(layer: Layer, from: MapSize): Passed {
  return (rules[layer.kind] as Rule<Layer>)(layer, from);
}

/** What stands in front of ReLU: batch norm keeps its input; groups and explicit padding copy theirs. */
function convolve(unit: Convolution, from: MapSize): Passed {
  const end = { side: sideAfter(from.side, unit), width: unit.width };
  const isCopied = unit.groups > 1 || (unit.stride > 1 && isPadded(unit));
  const kept =
    (unit.batchNorm === "none" ? 0 : sizeOfMap(end)) +
    (isCopied ? sizeOfMap(from) : 0);
  return { kept, end };
}

const isPadded = ({ padding }: Convolution): boolean =>
  padding !== "same" && padding > 0;
const sizeOfMap = ({ side, width }: MapSize): number => side * side * width;
const largestOf = (layers: readonly Kept[], what: keyof Kept): number =>
  Math.max(...layers.map((layer) => layer[what]));
const sumOf = (layers: readonly Kept[], what: keyof Kept): number =>
  layers.reduce((sum, layer) => sum + layer[what], 0);
