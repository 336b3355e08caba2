/**
 * One arm of `networks.ts`: a step of a network, compiled by the engine, in a process of its own.
 *
 *   node bench/networks-arm.ts ENGINE-FOLDER CASE FOLDER THREADS STEPS
 *
 * A line in, a line of JSON out (support/arms.ts). Memory is the largest since the step was compiled, TensorFlow's library and Node included.
 */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openEngine } from "../src/engine/engine.ts";
import { sizeOf, type WeightArray } from "../src/model/weights.ts";
import { createTrainer } from "../src/train/trainer.ts";
import { createVariables } from "../src/train/variables.ts";
import { isCaseName, openCase } from "./networks-cases.ts";
import { forgetPeak, peakBytes } from "./support/measure.ts";

const [directory = "", name = "", folder = "", ...numbers] =
  process.argv.slice(2);
const [threads = 1, steps = 1] = numbers.map(Number);
if (!isCaseName(name)) throw new Error(`there is no network '${name}'`);

const BATCHES = 2;
const RATE = 1e-3;

const engine = openEngine({ directory, threads });
const step = openCase(name);
const batches = Array.from({ length: BATCHES }, (_, k) => step.batchOf(k));
const declared = readDeclared();
const variables = createVariables(
  new Map(declared.map((weight) => [weight.name, readWeight(weight)])),
);
const trainer = await createTrainer({
  engine,
  variables,
  trained: declared.map(({ name: weight, shape }) => ({
    name: weight,
    rateFactor: 1,
    decayFactor: shape.length > 1 ? 1 : 0,
  })),
  momentum: 0.9,
  weightDecay: 5e-4,
  inputs: step.inputs,
  loss: (tensors, seed) => step.loss(tensors, variables.parameters, seed),
  seed: 1,
});
const startPeakBytes = peakBytes();
forgetPeak();

type Declared = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly file: string;
};

function readDeclared(): readonly Declared[] {
  const meta = JSON.parse(readFileSync(join(folder, "meta.json"), "utf8")) as {
    readonly weights: readonly Declared[];
  };
  return meta.weights;
}

function readWeight({ shape, file }: Declared): WeightArray {
  const bytes = Buffer.from(new ArrayBuffer(4 * sizeOf(shape)));
  const opened = openSync(join(folder, file), "r");
  readSync(opened, bytes);
  closeSync(opened);
  return { shape, values: new Float32Array(bytes.buffer, bytes.byteOffset) };
}

let done = 0;
let firstLoss: number | undefined;
let loss = Number.NaN;
for await (const line of createInterface({ input: process.stdin })) {
  if (line !== "round") throw new Error(`'${line}' is no request`);
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  for (let k = 0; k < steps; k++) {
    const feeds = batches[done % BATCHES] ?? {};
    const losses = await trainer.train(feeds, { rate: RATE, step: done++ });
    loss = losses["loss"] ?? Number.NaN;
    firstLoss ??= loss;
  }
  const { user, system } = process.cpuUsage(cpu);
  const answer = {
    images: steps * step.batch,
    wallSeconds: (performance.now() - wall) / 1000,
    cpuSeconds: (user + system) / 1e6,
    peakBytes: peakBytes(),
    says: { firstLoss, loss, startPeakBytes },
  };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
