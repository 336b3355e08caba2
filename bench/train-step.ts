/**
 * Benchmark of one training step: compiled, eager on our own ops, eager on stock TensorFlow.js, and PyTorch eager, all on the CPU.
 *
 *   node bench/train-step.ts [--batch 32] [--threads 1] [--rounds 7] [--steps 20] [--dropout 0.5] [--arms compiled,torch] [--json FILE]
 *
 * Each arm is a process of its own, so that its peak memory is its own. They take turns, round by round, so that a change of the
 * machine's load meets all of them; the figures are medians over the rounds. With --dropout 0 all arms compute the same losses, and
 * the script fails if they do not.
 *
 * PyTorch comes into a virtual environment in the user's cache, once (about 5 GB: the package index has no smaller build for Linux).
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  cacheRootOf,
  findEngine,
  toEnginePlatform,
} from "../src/engine/location.ts";
import { batchInputs, makeBatch, startValues } from "./tiny-network.ts";
import { pythonWithTorch } from "./torch.ts";

const { values: options } = parseArgs({
  options: {
    batch: { type: "string", default: "32" },
    threads: { type: "string", default: "1" },
    rounds: { type: "string", default: "7" },
    steps: { type: "string", default: "20" },
    dropout: { type: "string", default: "0.5" },
    arms: { type: "string", default: "compiled,eager,stock,torch" },
    json: { type: "string" },
  },
});
const [batch, rounds, steps] = [
  options.batch,
  options.rounds,
  options.steps,
].map(Number) as [number, number, number];
const cache = cacheRootOf(process.env["XDG_CACHE_HOME"], homedir());
const here = (name: string): string =>
  fileURLToPath(new URL(name, import.meta.url));

interface Round {
  readonly cpu: number;
  readonly wall: number;
  readonly loss: number;
}
interface Arm {
  readonly name: string;
  readonly process: ChildProcess;
  readonly lines: AsyncIterator<string>;
  readonly rounds: Round[];
  ready: {
    readonly ready: number;
    readonly compileMs: number;
    readonly compileCpu: number;
  };
  readyMB: number;
  peakMB: number;
}

/** Batches and start values as raw files, for PyTorch. */
function writeData(folder: string): void {
  const files: string[] = [];
  const write = (
    name: string,
    shape: readonly number[],
    data: Float32Array | Int32Array | Uint8Array,
  ) => {
    const file = `${files.push(name)}.bin`;
    writeFileSync(join(folder, file), data);
    return { name, shape, file, type: data.constructor.name };
  };
  const variables = startValues().map((v) => write(v.name, v.shape, v.data));
  const inputs: Readonly<
    Record<string, { readonly shape: readonly number[] }>
  > = batchInputs(batch);
  const batches = [1, 2, 3, 4].map((k) =>
    Object.entries(makeBatch(batch, 100 * k)).map(([name, data]) =>
      write(name, inputs[name]?.shape ?? [], data),
    ),
  );
  writeFileSync(
    join(folder, "meta.json"),
    JSON.stringify({ variables, batches }),
  );
}

function command(name: string, data: string): [string, string[]] {
  const { threads, dropout } = options;
  if (name === "torch")
    return [
      pythonWithTorch(),
      [here("train_step.py"), data, String(batch), threads, dropout],
    ];
  const platform = toEnginePlatform(process.platform, process.arch);
  if (platform === null)
    throw new Error("there is no engine for this platform");
  const { directory } = findEngine({
    cacheRoot: cache,
    platform,
    override: process.env["HUELINE_ENGINE"],
  });
  return [
    process.execPath,
    [
      here("train-step-arm.ts"),
      name,
      directory,
      String(batch),
      threads,
      dropout,
    ],
  ];
}

async function startArm(name: string, data: string): Promise<Arm> {
  const [file, args] = command(name, data);
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "ignore"] });
  const lines = createInterface({ input: child.stdout })[
    Symbol.asyncIterator
  ]();
  const arm: Arm = {
    name,
    process: child,
    lines,
    rounds: [],
    ready: { ready: 0, compileMs: 0, compileCpu: 0 },
    readyMB: 0,
    peakMB: 0,
  };
  arm.ready = (await answerOf(arm)) as Arm["ready"];
  arm.readyMB = memoryMB(arm, "VmRSS");
  return arm;
}
async function answerOf(arm: Arm): Promise<unknown> {
  const { value, done } = await arm.lines.next();
  if (done === true)
    throw new Error(
      `${arm.name} ended early: run its command by hand to see why`,
    );
  return JSON.parse(value);
}
async function runRound(arm: Arm, count: number): Promise<Round> {
  arm.process.stdin?.write(`steps ${count}\n`);
  const round = (await answerOf(arm)) as Round;
  arm.peakMB = memoryMB(arm, "VmHWM");
  return round;
}
function memoryMB(arm: Arm, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${arm.process.pid}/status`, "utf8");
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1000;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}
function summary(arm: Arm) {
  const images = batch * steps;
  return {
    arm: arm.name,
    imagesPerCpuSecond: images / median(arm.rounds.map((r) => r.cpu)),
    imagesPerSecond: images / median(arm.rounds.map((r) => r.wall)),
    peakMB: arm.peakMB,
    readyMB: arm.readyMB,
    startCpuSeconds: arm.ready.ready,
    compileMs: arm.ready.compileMs,
    compileCpuSeconds: arm.ready.compileCpu,
    loss: arm.rounds.at(-1)?.loss ?? NaN,
  };
}

const data = mkdtempSync(join(tmpdir(), "hueline-bench-"));
const arms: Arm[] = [];
try {
  writeData(data);
  for (const name of options.arms.split(","))
    arms.push(await startArm(name, data));
  // The compiled arm has run its first step already; the others catch up, then all warm up.
  for (const arm of arms) await runRound(arm, arm.name === "compiled" ? 4 : 5);
  for (let k = 0; k < rounds; k += 1)
    for (const arm of arms) arm.rounds.push(await runRound(arm, steps));
  const results = arms.map(summary);
  process.stdout.write(
    `batch ${batch}, threads ${options.threads}, medians of ${rounds} rounds of ${steps} steps\n`,
  );
  for (const r of results)
    process.stdout.write(
      `${r.arm.padEnd(9)} ${r.imagesPerCpuSecond.toFixed(0).padStart(6)} images/CPU-s ${r.imagesPerSecond.toFixed(0).padStart(6)} images/s ` +
        `peak ${r.peakMB.toFixed(0).padStart(5)} MB (${r.readyMB.toFixed(0)} before the first round) start ${r.startCpuSeconds.toFixed(2)} CPU-s ` +
        `compile ${r.compileMs.toFixed(0)} ms, ${r.compileCpuSeconds.toFixed(2)} CPU-s, loss ${r.loss.toFixed(5)}\n`,
    );
  if (options.json !== undefined)
    writeFileSync(
      options.json,
      `${JSON.stringify({ options, results }, null, 2)}\n`,
    );
  const losses = results.map((r) => r.loss);
  if (
    Number(options.dropout) === 0 &&
    Math.max(...losses) - Math.min(...losses) > 1e-3
  )
    throw new Error(
      `the arms do not compute the same: losses ${losses.join(", ")}`,
    );
} finally {
  for (const arm of arms) arm.process.kill();
  rmSync(data, { recursive: true, force: true });
}
