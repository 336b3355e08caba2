/** Our side of checkpoint-stall.ts: trains without an end, and saves when told to. `<store url> <megabytes> <folder>` */
import { writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createInterface } from "node:readline";
import {
  createProgram,
  openEngine,
  stepFunction,
} from "../src/engine/engine.ts";
import { cacheRootOf, findEngine } from "../src/engine/location.ts";
import { defaultCheckpoint } from "../src/spec/defaults.ts";
import { createCheckpointStore } from "../src/store/checkpoints/checkpoints.ts";
import { listPlaces } from "../src/store/checkpoints/places.ts";
import { openStore } from "../src/store/open-store.ts";

const [url = "", megabytes = "205", folder = ""] = process.argv.slice(2);
const length = Math.floor((Number(megabytes) * 1e6) / 4 / 80);
const cacheRoot = cacheRootOf(process.env["XDG_CACHE_HOME"], homedir());
const { directory } = findEngine({
  cacheRoot,
  platform: "linux-x64",
  override: process.env["HUELINE_ENGINE"],
});
const engine = openEngine({ directory, threads: 1, logLevel: 3 });
const { tf } = engine;
const variables = Array.from({ length: 80 }, (_, i) =>
  tf.tidy(() =>
    tf.variable(
      tf.mul(tf.ones([length]), i),
      true,
      i < 40 ? `w${i}` : `w${i - 40}/momentum`,
    ),
  ),
);
const program = await createProgram(engine, {
  functions: {
    train: stepFunction({ rate: { shape: [] } }, ({ rate }) => {
      for (const variable of variables.slice(0, 8))
        variable.assign(tf.add(variable, rate));
      return {};
    }),
    // So that all variables live in the session.
    all: stepFunction({}, () => ({
      sum: tf.addN(variables.map((v) => tf.sum(v))),
    })),
    weights: stepFunction({}, () => ({
      sums: tf.stack(variables.slice(0, 40).map((v) => tf.sum(v))),
    })),
  },
});
const store = openStore(url, { currentFolder: "/" });
const key = "b".repeat(64);
const checkpoints = createCheckpointStore({
  ...defaultCheckpoint,
  store,
  key,
  epoch: 1,
});
const part = (from: number) =>
  new Map(
    variables.slice(from, from + 40).map(({ name, shape }) => [name, shape]),
  );
checkpoints.prepare({ model: part(0), optimizer: part(40) });

/** About as long as a save takes: what the machine does to the event loop without one. */
const CONTROL_MS = 1500;

let step = 0;
async function train(): Promise<void> {
  step++;
  await program.run("train", { rate: 0.001 });
}

/** How long the event loop stood still at most, while `work` went on. */
async function longestGap(work: () => Promise<void>): Promise<number> {
  const gaps = monitorEventLoopDelay({ resolution: 1 });
  gaps.enable();
  await work();
  gaps.disable();
  return gaps.max / 1e6;
}

async function save(): Promise<Record<string, number>> {
  const gapBeforeMs = await longestGap(async () => {
    const endMs = performance.now() + CONTROL_MS;
    while (performance.now() < endMs) await train();
  });
  const cpu = process.cpuUsage();
  const start = performance.now();
  const { written } = await checkpoints.save({
    step,
    copyInto: (targets) => program.readInto(targets),
    state: { step },
    metrics: {},
  });
  const stallMs = performance.now() - start;
  let isWritten = false;
  const done = written.finally(() => (isWritten = true));
  let steps = 0;
  const gapMs = await longestGap(async () => {
    const isOver = () => isWritten;
    for (; !isOver(); steps++) await train();
    await done;
  });
  const writtenMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return {
    stallMs,
    writtenMs,
    gapMs,
    gapBeforeMs,
    steps,
    cpuSeconds: (user + system) / 1e6,
  };
}

/** The newest checkpoint's model as a file, and the sum of the weights that it was made of. */
async function exportNewest(): Promise<Record<string, number>> {
  await (
    await checkpoints.save({
      step: ++step,
      copyInto: (targets) => program.readInto(targets),
      state: {},
      metrics: {},
    })
  ).written;
  const [place] = await listPlaces(store, key);
  const bytes = await store.read(`${place?.prefix}model.safetensors`);
  writeFileSync(join(folder, "model.safetensors"), bytes ?? new Uint8Array());
  const { sums } = await program.run("weights", {});
  return { sum: Array.from(sums.data).reduce((sum, one) => sum + one, 0) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await (line === "save" ? save() : exportNewest());
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit();
