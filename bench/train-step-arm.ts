/**
 * One TensorFlow.js arm of the training-step benchmark, a process of its own: compiled, eager or stock. One line in ("steps N"), one
 * JSON line out, as bench/train_step.py.
 */
import { createInterface } from "node:readline";
import * as tf from "@tensorflow/tfjs-core";
import {
  createProgram,
  MomentumOptimizer,
  openEngine,
  stepFunction,
} from "../src/engine/engine.ts";
import type { TypedArray } from "../src/engine/engine.ts";
import { loadEngine } from "../src/engine/native.ts";
import {
  batchInputs,
  makeBatch,
  own,
  stock,
  TinyNetwork,
} from "./tiny-network.ts";
import type { BatchTensors } from "./tiny-network.ts";

const [arm = "", directory = "", ...numbers] = process.argv.slice(2);
const [batch = 32, threads = 1, dropoutRate = 0.5] = numbers.map(Number);
const BATCHES = 4;
const RATE = 0.04;

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

type Step = (k: number) => Promise<number>;
const engineOptions = { directory, threads };
const batches = Array.from({ length: BATCHES }, (_, k) =>
  makeBatch(batch, 100 * (k + 1)),
);
const batchOf = (k: number) =>
  batches[k % BATCHES] as Record<string, TypedArray>;

function optimizerOf(network: TinyNetwork): MomentumOptimizer {
  return new MomentumOptimizer({
    variables: [...network.variables.values()].map((variable) =>
      variable.rank > 1 ? { variable } : { variable, decayFactor: 0 },
    ),
    momentum: 0.9,
    weightDecay: 5e-4,
  });
}

interface Ready {
  readonly step: Step;
  readonly compileMs: number;
  readonly compileCpu: number;
}
async function compiledStep(): Promise<Ready> {
  const engine = openEngine(engineOptions);
  const network = new TinyNetwork(own, dropoutRate);
  const optimizer = optimizerOf(network);
  const [started, cpuBefore] = [performance.now(), cpuSeconds()];
  const program = await createProgram(engine, {
    functions: {
      train: stepFunction(
        {
          ...batchInputs(batch),
          seed: { shape: [2], dtype: "int32" },
          rate: { shape: [] },
        },
        ({ seed, rate, ...inputs }) => ({
          loss: optimizer.minimize(() => network.loss(inputs, seed), rate),
        }),
      ),
    },
  });
  const step: Step = async (k) => {
    const feeds = { ...batchOf(k), seed: Int32Array.of(1, k), rate: RATE };
    const { loss } = await program.run("train", feeds as never);
    return loss.data[0] ?? NaN;
  };
  // The first run optimises the graph: it belongs to compiling.
  await step(0);
  const compileMs = performance.now() - started;
  return { step, compileMs, compileCpu: cpuSeconds() - cpuBefore };
}

function eagerStep(network: TinyNetwork): Step {
  const optimizer = optimizerOf(network);
  return async (k) =>
    tf.tidy(() => {
      const feeds = batchOf(k);
      const inputs = Object.fromEntries(
        Object.entries(batchInputs(batch)).map(([key, spec]) => [
          key,
          tf.tensor(
            feeds[key] ?? [],
            [...spec.shape],
            "dtype" in spec ? spec.dtype : "float32",
          ),
        ]),
      ) as BatchTensors;
      const seed = tf.tensor1d([1, k], "int32");
      const loss = optimizer.minimize(
        () => network.loss(inputs, seed),
        tf.scalar(RATE),
      );
      return loss.dataSync()[0] ?? NaN;
    });
}

async function prepare(): Promise<Ready> {
  if (arm === "compiled") return compiledStep();
  if (arm === "eager") openEngine(engineOptions);
  // Stock kernels: nothing of our own is registered.
  else loadEngine(engineOptions);
  const network = new TinyNetwork(arm === "eager" ? own : stock, dropoutRate);
  return { step: eagerStep(network), compileMs: 0, compileCpu: 0 };
}

const answer = (fields: Readonly<Record<string, number>>): void => {
  process.stdout.write(`${JSON.stringify(fields)}\n`);
};

const { step, compileMs, compileCpu } = await prepare();
let done = arm === "compiled" ? 1 : 0;
answer({ ready: cpuSeconds(), compileMs, compileCpu });
for await (const line of createInterface({ input: process.stdin })) {
  const count = Number(line.split(" ")[1]);
  const [cpu, wall] = [cpuSeconds(), performance.now()];
  let loss = NaN;
  for (let k = 0; k < count; k += 1) {
    loss = await step(done);
    done += 1;
  }
  answer({
    cpu: cpuSeconds() - cpu,
    wall: (performance.now() - wall) / 1000,
    loss,
  });
}
