/**
 * Every op: values and gradients, eager against compiled, on two sets of inputs. The second set catches what was frozen into the
 * graph while tracing.
 */
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { createProgram, stepFunction } from "../../../src/engine/engine.ts";
import type { TensorValue } from "../../../src/engine/engine.ts";
import {
  pseudoRandom,
  relativeDifference,
  sizeOf,
  testEngine,
} from "../../support/engine.ts";
import { opCases } from "../../support/op-cases.ts";
import type { OpCase } from "../../support/op-case.ts";

const engine = testEngine();
/** Most cases agree bit for bit; where TensorFlow fuses or picks another kernel in a graph, the last bit may differ. */
const TOLERANCE = 1e-6;

/** The value, and the gradients of a fixed weighted sum of it. */
function valueAndGradients({ f, gradient }: OpCase, inputs: tf.Tensor[]) {
  const value = f(...inputs);
  if (!gradient) return { value };
  const weights = tf.tensor(pseudoRandom(value.size, 77), value.shape);
  const scalar = (...xs: tf.Tensor[]): tf.Scalar =>
    tf.sum(tf.mul(f(...xs), weights));
  const grads = tf.grads(scalar)(inputs);
  return {
    value,
    ...Object.fromEntries(grads.map((g, k) => [`d${k}`, g])),
  };
}

function eagerly(opCase: OpCase, inputs: Float32Array[]) {
  return tf.tidy(() => {
    const tensors = inputs.map((v, k) => tf.tensor(v, [...shapeOf(opCase, k)]));
    const results = Object.entries(valueAndGradients(opCase, tensors));
    return results.map(([key, t]) => ({
      key,
      data: t.dataSync(),
      shape: t.shape,
      dtype: t.dtype,
    }));
  });
}
const shapeOf = ({ shapes }: OpCase, k: number): readonly number[] =>
  shapes[k] ?? [];

describe("each op gives the same values and gradients compiled as eagerly", () => {
  test.each(opCases)("$name", async (opCase) => {
    const specs = opCase.shapes.map((shape, k) => [`i${k}`, { shape }]);
    const program = await createProgram(engine, {
      functions: {
        call: stepFunction(Object.fromEntries(specs), (inputs) =>
          valueAndGradients(opCase, Object.values(inputs)),
        ),
      },
    });
    for (const seed of [1, 1001]) {
      const inputs = opCase.shapes.map((s, k) =>
        pseudoRandom(sizeOf(s), seed + k),
      );
      const feeds = Object.fromEntries(inputs.map((v, k) => [`i${k}`, v]));
      const compiled: Record<string, TensorValue> = await program.run(
        "call",
        feeds,
      );
      for (const want of eagerly(opCase, inputs)) {
        const got = compiled[want.key];
        expect(got?.shape, want.key).toEqual(want.shape);
        expect(got?.dtype, want.key).toBe(want.dtype);
        const difference = relativeDifference(got?.data ?? [], want.data);
        expect(difference, want.key).toBeLessThan(TOLERANCE);
      }
    }
    await program.close();
  });
});
