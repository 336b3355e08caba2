/** Recomputation and order: the same values and gradients, with and without, eagerly and compiled. */
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { after, conv2d, jit, recompute } from "../../../src/engine/engine.ts";
import { pseudoRandom, testEngine } from "../../support/engine.ts";

const engine = testEngine();
const shape = [2, 6, 6, 3] as const;
const x0 = pseudoRandom(2 * 6 * 6 * 3, 1);
const filters = (): [tf.Tensor4D, tf.Tensor4D] => [
  tf.tensor4d(pseudoRandom(3 * 3 * 3 * 4, 2), [3, 3, 3, 4]),
  tf.tensor4d(pseudoRandom(3 * 3 * 4 * 3, 3), [3, 3, 4, 3]),
];

type Wrap = (
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
) => tf.Tensor;
const direct: Wrap = (f, inputs) => f(...inputs);
const recomputed: Wrap = (f, inputs) =>
  recompute((...xs) => ({ value: f(...xs), details: [] }), inputs).value;

/** Two blocks, each through `wrap`, so that the outer gradient passes two inner ones. */
function lossAndGradients(x: tf.Tensor, wrap: Wrap) {
  const block = (...[h, a, b]: tf.Tensor[]): tf.Tensor =>
    tf.relu(
      conv2d(
        tf.relu(conv2d(h as tf.Tensor4D, a as tf.Tensor4D)),
        b as tf.Tensor4D,
      ),
    );
  const loss = (input: tf.Tensor, a: tf.Tensor, b: tf.Tensor): tf.Scalar => {
    const once = wrap(block, [input, a, b]);
    return tf.mean(tf.square(wrap(block, [once, a, b])));
  };
  const inputs = [x, ...filters()] as [tf.Tensor, tf.Tensor, tf.Tensor];
  const { value, grads } = tf.valueAndGrads((...xs) =>
    loss(...(xs as typeof inputs)),
  )(inputs);
  const [dx, da, db] = grads as [tf.Tensor, tf.Tensor, tf.Tensor];
  return { value, dx, da, db };
}

function eagerly(wrap: Wrap): Record<string, number[]> {
  return tf.tidy(() => {
    const results = lossAndGradients(tf.tensor(x0, [...shape]), wrap);
    return Object.fromEntries(
      Object.entries(results).map(([k, t]) => [k, [...t.dataSync()]]),
    );
  });
}
async function compiled(wrap: Wrap): Promise<Record<string, number[]>> {
  const call = await jit(engine, { x: { shape } }, ({ x }) =>
    lossAndGradients(x, wrap),
  );
  const results = await call({ x: x0 });
  await call.program.close();
  return Object.fromEntries(
    Object.entries(results).map(([k, { data }]) => [k, [...data]]),
  );
}

describe("recompute", () => {
  test("changes no value and no gradient, eagerly and compiled", async () => {
    const want = eagerly(direct);
    expect(eagerly(recomputed)).toEqual(want);
    expect(await compiled(recomputed)).toEqual(want);
  });

  test("adds the nodes of the second forward pass", async () => {
    const nodes = async (wrap: Wrap): Promise<number> => {
      const call = await jit(engine, { x: { shape } }, ({ x }) =>
        lossAndGradients(x, wrap),
      );
      await call.program.close();
      return call.program.info.nodes;
    };
    expect(await nodes(recomputed)).toBeGreaterThan(await nodes(direct));
  });
});

describe("after", () => {
  test("orders effects that nothing else orders", async () => {
    const v = tf.tidy(() => tf.variable(tf.zeros([1]), true, "ordered"));
    const call = await jit(engine, { x: { shape: [1] } }, ({ x }) => {
      const first = tf.exp(x);
      const second = after([first], () => tf.mul(x, 2));
      v.assign(tf.add(v, second));
      return { first, second };
    });
    const { first, second } = await call({ x: Float32Array.of(1) });
    expect([first.data[0], second.data[0]]).toEqual([Math.fround(Math.E), 2]);
    await call.program.close();
    v.dispose();
  });

  test("is transparent in eager code and hands back what the work returns", () => {
    const x = tf.scalar(3);
    expect(after([x], () => "done")).toBe("done");
    x.dispose();
  });
});
