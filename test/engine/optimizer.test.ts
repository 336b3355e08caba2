/** The update rule against plain arithmetic, eagerly and compiled. */
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { globalNorm, jit, MomentumOptimizer } from "../../src/engine/engine.ts";
import type { MomentumOptions } from "../../src/engine/engine.ts";
import { relativeDifference, testEngine } from "../support/engine.ts";

const engine = testEngine();
const START = [1, -2, 3];
/** d loss / d w for loss = sum(w² / 2) + sum(w): gradient w + 1. */
const gradientOf = (w: number): number => w + 1;

interface Settings extends Omit<MomentumOptions, "variables"> {
  readonly rateFactor?: number;
  readonly decayFactor?: number;
}

function byHand(settings: Settings, rate: number, steps: number): number[] {
  const { momentum, weightDecay = 0, clipNorm = Infinity } = settings;
  const { rateFactor = 1, decayFactor = 1 } = settings;
  let w = START;
  let m = START.map(() => 0);
  for (let step = 0; step < steps; step += 1) {
    const raw = w.map(gradientOf);
    const scale = Math.min(1, clipNorm / (Math.hypot(...raw) + 1e-6));
    const g = raw.map(
      (v, k) => v * scale + weightDecay * decayFactor * (w[k] ?? 0),
    );
    m = m.map((v, k) => momentum * v + (g[k] ?? 0));
    w = w.map((v, k) => v - rate * rateFactor * (m[k] ?? 0));
  }
  return w;
}

async function byOptimizer(
  { rateFactor, decayFactor, ...settings }: Settings,
  rate: number,
  steps: number,
  isCompiled: boolean,
): Promise<number[]> {
  const variable = tf.tidy(() => tf.variable(tf.tensor1d(START), true, "w"));
  const optimizer = new MomentumOptimizer({
    ...settings,
    variables: [
      {
        variable,
        ...(rateFactor === undefined ? {} : { rateFactor }),
        ...(decayFactor === undefined ? {} : { decayFactor }),
      },
    ],
  });
  const loss = (): tf.Scalar =>
    tf.sum(tf.add(tf.div(tf.square(variable), 2), variable));
  if (isCompiled) {
    const call = await jit(engine, { rate: { shape: [] } }, (inputs) => ({
      loss: optimizer.minimize(loss, inputs.rate),
    }));
    for (let step = 0; step < steps; step += 1) await call({ rate });
    await call.program.close();
  } else
    for (let step = 0; step < steps; step += 1)
      tf.tidy(() => void optimizer.minimize(loss, tf.scalar(rate)));
  const result = [...variable.dataSync()];
  optimizer.dispose();
  variable.dispose();
  return result;
}

describe.each([
  ["plain momentum", { momentum: 0.9 }],
  ["no momentum", { momentum: 0 }],
  ["weight decay", { momentum: 0.9, weightDecay: 0.1 }],
  ["a factor on the rate", { momentum: 0.9, rateFactor: 2 }],
  [
    "a factor on the decay",
    { momentum: 0.9, weightDecay: 0.1, decayFactor: 0.5 },
  ],
  ["no decay of a bias", { momentum: 0.9, weightDecay: 0.1, decayFactor: 0 }],
  ["clipping", { momentum: 0.9, weightDecay: 0.1, clipNorm: 0.5 }],
  ["a clip norm that is never reached", { momentum: 0.9, clipNorm: 1e6 }],
])("%s", (_, settings: Settings) => {
  test("follows the rule, and compiled and eager agree bit for bit", async () => {
    const eager = await byOptimizer(settings, 0.05, 5, false);
    const compiled = await byOptimizer(settings, 0.05, 5, true);
    expect(compiled).toEqual(eager);
    const want = byHand(settings, 0.05, 5);
    expect(relativeDifference(eager, want)).toBeLessThan(1e-6);
  });
});

test("slots are named after their variables, so that saving variables saves them", () => {
  const variable = tf.tidy(() =>
    tf.variable(tf.ones([2]), true, "conv1/filter"),
  );
  const optimizer = new MomentumOptimizer({
    variables: [{ variable }],
    momentum: 0.9,
  });
  expect(optimizer.slots.map((s) => [s.name, s.shape, s.trainable])).toEqual([
    ["conv1/filter/momentum", [2], false],
  ]);
  optimizer.dispose();
  variable.dispose();
});

test("a variable without a gradient is an error that names it", () => {
  const variable = tf.tidy(() => tf.variable(tf.ones([2]), true, "lonely"));
  const optimizer = new MomentumOptimizer({
    variables: [{ variable }],
    momentum: 0.9,
  });
  const other = tf.ones([2]);
  expect(() => optimizer.apply({ other }, tf.scalar(1))).toThrow(
    /no gradient for variable 'lonely'; gradients are given for other/,
  );
  optimizer.dispose();
  tf.dispose([variable, other]);
});

test("the global norm is that of all gradients together", () => {
  const norm = tf.tidy(
    () => globalNorm([tf.tensor1d([3, 0]), tf.scalar(4)]).dataSync()[0],
  );
  expect(norm).toBeCloseTo(5, 6);
});
