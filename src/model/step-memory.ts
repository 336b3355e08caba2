/**
 * How much memory a training step will need, from declarations alone: before a machine is rented for it. Pure.
 *
 *   process      Node, TensorFlow's library, the compiled step
 *   weights      values and slots in the session, first values outside of it
 *   activations  maps that are kept for the backward pass, and what flows back through them
 *   workspace    the largest weight's gradient: as it is computed, reordered, decayed and applied
 *
 * A The factors are measured, not derived: gradients in flight and what the allocator holds between steps are as much again as what is kept;
 *   the largest gradient exists three times. Peaks of AlexNet at 227 (16 images), ResNet-50 at 128 (8) and VGG-16 with hypercolumn at
 *   224 (2) on a CPU, 1.7, 1.2 and 3.4 GB, are met within 6 %.
 * B Maps have the width and the side that the declaration gives them; nothing else of the images is known here.
 */
import type { ComputeParams } from "../spec/params/params-common.ts";
import { sideAfter } from "./layer-rules.ts";
import type { Convolution, Layer, Network } from "./network.ts";
import { parameterCount, sizeOf, type WeightDeclaration } from "./weights.ts";

export type StepMemory = {
  readonly processBytes: number;
  readonly weightsBytes: number;
  readonly activationsBytes: number;
  readonly workspaceBytes: number;
  readonly totalBytes: number;
};

const PROCESS_BYTES = 480e6;
const FLOAT_BYTES = 4;
const HALF_BYTES = 2;
/** Values, slots, and the first values, which a restart of the training begins from. */
const COPIES_OF_WEIGHTS = 3;
/** Invariant A. */
const COPIES_OF_ACTIVATIONS = 2;
const COPIES_OF_LARGEST_WEIGHT = 3;
/** A forward pass: a map as it comes in, convolved, normalized, and behind ReLU. */
const COPIES_OF_MEASURED_MAP = 4;

/** The peak of one step on `batch` square images of `side` pixels. */
export function estimateStepMemory(options: {
  readonly network: Network;
  readonly side: number;
  readonly batch: number;
  /** Of the encoder that is trained, and of the head above it. */
  readonly weights: readonly WeightDeclaration[];
  /** Whether every layer of the hypercolumn is read, and a gradient of its whole map flows back from there. */
  readonly hypercolumn: boolean;
  readonly compute?: ComputeParams | undefined;
}): StepMemory {
  const { network, side, batch, weights, compute } = options;
  const layers = keptByLayer(network, side);
  const valuesPerImage =
    sumOf(layers, compute?.recompute ? "end" : "kept") +
    (compute?.recompute ? Math.max(...layers.map(({ kept }) => kept)) : 0);
  const { precision = "float32" } = compute ?? {};
  const bytes = precision === "float32" ? FLOAT_BYTES : HALF_BYTES;
  const mapBytes = batch * valuesPerImage * bytes;
  const readBytes = options.hypercolumn
    ? batch * sumOf(layers, "read") * FLOAT_BYTES
    : 0;
  const largest = Math.max(...weights.map(({ shape }) => sizeOf(shape)));
  return withTotal({
    processBytes: PROCESS_BYTES,
    weightsBytes: COPIES_OF_WEIGHTS * FLOAT_BYTES * parameterCount(weights),
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
  const ends = keptByLayer(network, side).map(({ end }) => end);
  const mapBytes = images * Math.max(...ends) * FLOAT_BYTES;
  return withTotal({
    processBytes: PROCESS_BYTES,
    weightsBytes: COPIES_OF_WEIGHTS * FLOAT_BYTES * parameterCount(weights),
    activationsBytes: COPIES_OF_MEASURED_MAP * mapBytes,
    workspaceBytes: 0,
  });
}

function withTotal(parts: Omit<StepMemory, "totalBytes">): StepMemory {
  const totalBytes = Object.values(parts).reduce((sum, part) => sum + part, 0);
  return { ...parts, totalBytes };
}

/** Values per image that a layer's backward pass reads, its end among them. */
type Kept = {
  readonly kept: number;
  readonly end: number;
  /** Of the map that a hypercolumn reads. */
  readonly read: number;
};

function keptByLayer(network: Network, side: number): readonly Kept[] {
  let map: MapSize = { side, width: network.inputChannels };
  const image = { kept: 0, end: sizeOfMap(map), read: 0 };
  const read = new Set(network.hypercolumn);
  return [
    { ...image, kept: image.end },
    ...network.layers.map((layer) => {
      const { kept, end } = pass(layer, map);
      map = end;
      const size = sizeOfMap(end);
      return { kept, end: size, read: read.has(layer.name) ? size : 0 };
    }),
  ];
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
const sumOf = (layers: readonly Kept[], what: keyof Kept): number =>
  layers.reduce((sum, layer) => sum + layer[what], 0);
