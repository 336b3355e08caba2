/**
 * Weights as variables of a program, and back: named float32 arrays ↔ `tf.Variable`s ↔ tensors of safetensors files.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { TensorValue } from "../engine/engine.ts";
import type { Parameters } from "../model/encoder.ts";
import type { WeightArray, Weights } from "../model/weights.ts";
import type { TensorData } from "../store/artifacts/safetensors-header.ts";
import { toFloat32Array } from "../store/artifacts/safetensors.ts";

export type Variables = {
  readonly byName: ReadonlyMap<string, tf.Variable>;
  readonly parameters: Parameters;
  /** Frees them. Names are unique in a process: two sets with the same names cannot live at once. */
  dispose(): void;
};

/** One variable per weight, under the weight's name. */
export function createVariables(weights: Weights): Variables {
  const byName = new Map<string, tf.Variable>();
  const dispose = () => {
    for (const variable of byName.values()) variable.dispose();
  };
  try {
    for (const [name, { shape, values }] of weights)
      byName.set(name, createVariable(name, shape, values));
  } catch (thrown) {
    dispose();
    throw thrown;
  }
  return {
    byName,
    parameters: (name) => {
      const found = byName.get(name);
      if (!found) throw new Error(`no variable '${name}'`);
      return found;
    },
    dispose,
  };
}

function createVariable(
  name: string,
  shape: readonly number[],
  values: Float32Array,
): tf.Variable {
  return tf.tidy(() =>
    tf.variable(tf.tensor(values, [...shape], "float32"), true, name),
  );
}

/** A copy of what a program's variables hold: the fetched memory may change with the next step. */
export function toWeights(
  values: ReadonlyMap<string, TensorValue>,
): Map<string, WeightArray> {
  return new Map(
    [...values].map(([name, { data, shape }]) => [
      name,
      { shape, values: new Float32Array(data) },
    ]),
  );
}

export function toTensorData(weights: Weights): Map<string, TensorData> {
  return new Map(
    [...weights].map(([name, { shape, values }]) => [
      name,
      {
        dtype: "F32",
        shape,
        bytes: new Uint8Array(
          values.buffer,
          values.byteOffset,
          values.byteLength,
        ),
      },
    ]),
  );
}

/** Weights from tensors of a safetensors file; each must be F32. */
export function fromTensorData(
  tensors: ReadonlyMap<string, TensorData>,
): Map<string, WeightArray> {
  return new Map(
    [...tensors].map(([name, tensor]) => [
      name,
      { shape: tensor.shape, values: toFloat32Array(tensor) },
    ]),
  );
}
