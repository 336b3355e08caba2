/**
 * Whole training steps, compiled and eager on the same ops: losses and every parameter bit for bit, over several steps with other
 * batches; and training that is saved and restored goes on bit for bit.
 */
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import {
  createProgram,
  MomentumOptimizer,
  stepFunction,
} from "../../src/engine/engine.ts";
import type { Inputs, TypedArray } from "../../src/engine/engine.ts";
import { scalarOf, testEngine } from "../support/engine.ts";
import {
  alexnet,
  bottlenecks,
  convolutional,
  hypercolumns,
} from "../support/networks.ts";
import type { Network } from "../support/networks.ts";

const engine = testEngine();
const STEPS = 4;
const rateAt = (step: number): number => 0.02 / (1 + step);

interface Trained {
  readonly losses: number[];
  readonly values: Map<string, number[]>;
}

function optimizerFor(network: Network): MomentumOptimizer {
  return new MomentumOptimizer({
    variables: network.variables.map((variable) =>
      variable.rank > 1
        ? { variable }
        : { variable, rateFactor: 2, decayFactor: 0 },
    ),
    momentum: 0.9,
    weightDecay: 5e-4,
    clipNorm: 1.5,
  });
}
/** `net1/3` → `3`, so that networks of different names compare. */
const local = (name: string): string => name.split("/").slice(1).join("/");
const values = (
  network: Network,
  optimizer: MomentumOptimizer,
): Map<string, number[]> =>
  new Map(
    [...network.variables, ...optimizer.slots].map((v) => [
      local(v.name),
      [...v.dataSync()],
    ]),
  );
function disposeAll(network: Network, optimizer: MomentumOptimizer): void {
  tf.dispose([...network.variables]);
  optimizer.dispose();
}

function trainEagerly(network: Network): Trained {
  const optimizer = optimizerFor(network);
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step += 1)
    tf.tidy(() => {
      const inputs = toTensors(network.inputs, network.batch(step));
      const rate = tf.scalar(rateAt(step));
      const loss = optimizer.minimize(() => network.loss(inputs), rate);
      losses.push(...loss.dataSync());
    });
  const result = { losses, values: values(network, optimizer) };
  disposeAll(network, optimizer);
  return result;
}
function toTensors(
  inputs: Inputs,
  batch: Readonly<Record<string, TypedArray>>,
): Record<string, tf.Tensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([key, { shape, dtype = "float32" }]) => [
      key,
      tf.tensor(
        batch[key] ?? [],
        [...shape],
        dtype === "uint8" ? "float32" : dtype,
      ),
    ]),
  );
}

function compile(network: Network, optimizer: MomentumOptimizer) {
  return createProgram(engine, {
    functions: {
      train: stepFunction(
        { ...network.inputs, rate: { shape: [] } },
        ({ rate, ...inputs }) => ({
          loss: optimizer.minimize(() => network.loss(inputs), rate),
        }),
      ),
    },
  });
}
async function trainCompiled(network: Network): Promise<Trained> {
  const optimizer = optimizerFor(network);
  const program = await compile(network, optimizer);
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step += 1) {
    const feeds = { ...network.batch(step), rate: rateAt(step) };
    losses.push(scalarOf((await program.run("train", feeds)).loss));
  }
  await program.close();
  const result = { losses, values: values(network, optimizer) };
  disposeAll(network, optimizer);
  return result;
}

const networks = { convolutional, bottlenecks, alexnet, hypercolumns };

describe("compiled training equals eager training bit for bit", () => {
  test.each(Object.entries(networks))("%s", async (name, make) => {
    const tensors = tf.memory().numTensors;
    const eager = trainEagerly(make(`${name}-eager`));
    const compiled = await trainCompiled(make(`${name}-compiled`));
    expect(new Set(eager.losses).size).toBe(STEPS);
    expect(compiled.losses).toEqual(eager.losses);
    expect(compiled.values.size).toBe(eager.values.size);
    for (const [variable, want] of eager.values)
      expect(compiled.values.get(variable), variable).toEqual(want);
    expect(tf.memory().numTensors).toBe(tensors);
  });
});

test("training that is saved and restored goes on bit for bit", async () => {
  const network = hypercolumns("resumed");
  const optimizer = optimizerFor(network);
  const program = await compile(network, optimizer);
  const run = async (step: number): Promise<number> => {
    const feeds = { ...network.batch(step), rate: rateAt(step) };
    return scalarOf((await program.run("train", feeds)).loss);
  };
  await run(0);
  await run(1);
  const saved = new Map<string, TypedArray>();
  for (const [name, { data }] of await program.read())
    saved.set(name, data.slice());
  expect(saved.size).toBe(2 * network.variables.length);
  const uninterrupted = [await run(2), await run(3)];
  const end = await program.read();
  await program.write(saved);
  expect([await run(2), await run(3)]).toEqual(uninterrupted);
  for (const [name, { data }] of await program.read())
    expect(data, name).toEqual(end.get(name)?.data);
  await program.close();
  disposeAll(network, optimizer);
});
