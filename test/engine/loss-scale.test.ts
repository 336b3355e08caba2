/** Loss scaling: no effect on a sound step, none but on the scale in one that overflows. Eagerly and compiled. */
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { jit, MomentumOptimizer } from "../../src/engine/engine.ts";
import { testEngine } from "../support/engine.ts";

const engine = testEngine();
const START = [1, -2, 3];
const RATE = 0.25;

let variable: tf.Variable;
let optimizer: MomentumOptimizer;
function open(lossScaling: boolean): void {
  variable = tf.tidy(() => tf.variable(tf.tensor1d(START), true, "w"));
  optimizer = new MomentumOptimizer({
    variables: [{ variable }],
    momentum: 0.5,
    weightDecay: 0.125,
    lossScaling,
  });
}
beforeEach(() => {
  open(true);
});
afterEach(() => {
  optimizer.dispose();
  variable.dispose();
});

/** Sum of squares times a factor, with which the gradient overflows. */
const loss = (factor: tf.Scalar) => () =>
  tf.sum<tf.Scalar>(tf.mul(tf.square(variable), factor));

type State = Readonly<Record<string, readonly number[]>>;
type Session = {
  step(factor: number): Promise<number>;
  state(): Promise<State>;
  close(): Promise<void>;
};
function openEager(): Session {
  return {
    step: async (factor) =>
      tf.tidy(() => {
        const rate = tf.scalar(RATE);
        const value = optimizer.minimize(loss(tf.scalar(factor)), rate);
        return value.dataSync()[0] ?? Number.NaN;
      }),
    state: async () =>
      Object.fromEntries(
        [variable, ...optimizer.slots].map((v) => [v.name, [...v.dataSync()]]),
      ),
    close: async () => {},
  };
}
async function openCompiled(): Promise<Session> {
  const call = await jit(
    engine,
    { factor: { shape: [] }, rate: { shape: [] } },
    ({ factor, rate }) => ({ loss: optimizer.minimize(loss(factor), rate) }),
  );
  return {
    step: async (factor) =>
      (await call({ factor, rate: RATE })).loss.data[0] ?? Number.NaN,
    state: async () =>
      Object.fromEntries(
        [...(await call.program.read())].map(([name, { data }]) => [
          name,
          [...data],
        ]),
      ),
    close: () => call.program.close(),
  };
}

for (const [mode, start] of [
  ["eagerly", async () => openEager()],
  ["compiled", openCompiled],
] as const)
  describe(mode, () => {
    test("sound steps are those without scaling, bit for bit, and give the loss itself", async () => {
      const run = async (): Promise<[number[], readonly number[]]> => {
        const session = await start();
        const losses = [await session.step(1), await session.step(1)];
        const { w = [] } = await session.state();
        await session.close();
        return [losses, w];
      };
      const found = await run();
      optimizer.dispose();
      variable.dispose();
      open(false);
      expect(found).toEqual(await run());
    });

    test("a step that overflows changes neither weight nor slot, and halves the scale", async () => {
      const session = await start();
      await session.step(1);
      const before = await session.state();
      await session.step(1e36);
      const after = await session.state();
      await session.close();

      const want = {
        ...before,
        "loss-scale/exponent": [-1],
        "loss-scale/steps": [0],
      };
      expect(after).toEqual(want);
      expect(before["loss-scale/steps"]).toEqual([1]);
    });

    test("two thousand sound steps in a row double it", async () => {
      const steps = optimizer.slots.find((v) => v.name === "loss-scale/steps");
      tf.tidy(() => steps?.assign(tf.scalar(1998)));
      const session = await start();
      await session.step(0);
      expect((await session.state())["loss-scale/exponent"]).toEqual([0]);
      await session.step(0);
      const state = await session.state();
      await session.close();
      expect(state["loss-scale/exponent"]).toEqual([1]);
      expect(state["loss-scale/steps"]).toEqual([0]);
    });
  });
