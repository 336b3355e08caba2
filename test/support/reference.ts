/**
 * What other programs said (test/golden/reference, made by scripts/reference), and the rule by which they and we draw the same
 * weights and images.
 */
import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import type { WeightArray, Weights } from "../../src/model/weights.ts";
import { pseudoRandom, sizeOf } from "./engine.ts";

const KEPT = 64;

type OperationReference = {
  readonly output: readonly number[];
  readonly gradients: readonly (readonly number[])[];
};

export type NetworkReference = {
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly measured: readonly (readonly number[])[];
  readonly batch: readonly (readonly number[])[];
  readonly trained: {
    readonly rate: number;
    readonly losses: readonly number[];
    readonly weights: Readonly<Record<string, readonly number[]>>;
  };
};

export type NetworksReference = {
  readonly networks: Readonly<Record<string, NetworkReference>>;
  readonly operations: Readonly<Record<string, OperationReference>>;
  readonly running: {
    readonly steps: number;
    readonly ramp: number;
    readonly decay: number;
    readonly mean: readonly number[];
    readonly variance: readonly number[];
  };
  readonly hypercolumn: readonly {
    readonly stride: number;
    readonly offset: number;
    readonly side: number;
    readonly output: readonly number[];
  }[];
};

export function readReference(name: string): unknown {
  const url = new URL(`../golden/reference/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8"));
}

/** The values that a reference keeps of a large tensor: as `kept` in networks.py. */
export function kept(values: ArrayLike<number>): number[] {
  const step = Math.max(1, Math.ceil(values.length / KEPT));
  return Array.from(values).filter((_, i) => i % step === 0);
}

/** First weights by name: the place of a name in the sorted list is its seed. As `state` in networks.py. */
export function drawState(shapes: NetworkReference["shapes"]): Weights {
  return new Map(
    Object.keys(shapes)
      .sort()
      .map((name, seed) => [name, drawTensor(name, shapes[name] ?? [], seed)]),
  );
}

function drawTensor(
  name: string,
  shape: readonly number[],
  seed: number,
): WeightArray {
  const size = sizeOf(shape);
  const draw = (deviation: number) => pseudoRandom(size, seed, deviation);
  if (shape.length > 1)
    return { shape, values: draw(Math.sqrt(2 / sizeOf(shape.slice(1)))) };
  const [deviation, centre] = name.endsWith("running_var")
    ? [0.3, 1]
    : name.endsWith(".weight")
      ? [0.2, 1]
      : [0.1, 0];
  return { shape, values: draw(deviation).map((v) => centre + v) };
}

/** Images [batch, side, side, channels], as `images` in networks.py. */
export function drawImages(
  seed: number,
  { channels = 3, batch = 6, side = 64 } = {},
): tf.Tensor4D {
  const shape: [number, number, number, number] = [batch, side, side, channels];
  return tf.tensor4d(pseudoRandom(sizeOf(shape), seed, 0.25), shape);
}
