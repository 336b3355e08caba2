/**
 * How long a training waits for its first batch: begun at an epoch's start, and resumed at 90 % of it, in turns, from a real
 * S3 server on this machine, without a cache.
 *
 *   node bench/resume-latency.ts [--copies 17] [--rounds 5] [--workers 2]
 *
 * Prints a JSON line for each arm and the ratio of the medians; exits with 1 when it is above 1.2.
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { openLoader } from "../src/data/loader/open-loader.ts";
import { createTrainingOrder } from "../src/data/order/create-training-order.ts";
import { median } from "./support/measure.ts";
import {
  openReplicatedDataset,
  type ReplicatedDataset,
} from "./support/replicated-dataset.ts";

const { values } = parseArgs({
  options: {
    copies: { type: "string", default: "17" },
    rounds: { type: "string", default: "5" },
    workers: { type: "string", default: "2" },
  },
});
const LIMIT = 1.2;
const BATCH = 64;

type Sample = { readonly wallMs: number; readonly cpuMs: number };

/** From the catalog's table to the first batch: order, threads, fetching, decoding. */
async function firstBatch(
  dataset: ReplicatedDataset,
  fraction: number,
): Promise<Sample> {
  const { storeUrl, table, shardPaths } = dataset;
  const cpu = process.cpuUsage();
  const start = performance.now();
  const order = createTrainingOrder({ table, seed: 1 });
  const step = Math.floor((order.size / BATCH) * fraction);
  const loader = await openLoader({
    storeUrl,
    table,
    shardPaths,
    order,
    seed: 1,
    batch: BATCH,
    fromStep: step,
    workers: Number(values.workers),
    crop: {
      side: 352,
      scale: { kind: "area", min: 0.35, max: 1, ratio: 4 / 3 },
      place: "random",
      mirror: true,
    },
  });
  await loader.batch(step);
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  await loader.close();
  return { wallMs, cpuMs: (user + system) / 1000 };
}

const dataset = await openReplicatedDataset({
  copies: Number(values.copies),
  isCounted: false,
});
try {
  const arms = [
    { name: "at 0 %", fraction: 0, samples: [] as Sample[] },
    { name: "at 90 %", fraction: 0.9, samples: [] as Sample[] },
  ] as const;
  // Once without counting: the server's files and the code get warm.
  await firstBatch(dataset, 0.5);
  for (let round = 0; round < Number(values.rounds); round++)
    for (const arm of arms)
      arm.samples.push(await firstBatch(dataset, arm.fraction));
  const medians = arms.map(({ name, samples }) => {
    const wallMs = median(samples.map((sample) => sample.wallMs));
    const cpuMs = median(samples.map((sample) => sample.cpuMs));
    console.log(
      JSON.stringify({
        arm: name,
        wallMs: Math.round(wallMs),
        cpuMs: Math.round(cpuMs),
        rounds: samples.map((sample) => Math.round(sample.wallMs)),
      }),
    );
    return wallMs;
  });
  const ratio = (medians[1] ?? NaN) / (medians[0] ?? NaN);
  const load = loadavg()[0];
  console.log(
    JSON.stringify({ ratio: Number(ratio.toFixed(3)), limit: LIMIT, load }),
  );
  process.exitCode = ratio <= LIMIT ? 0 : 1;
} finally {
  await dataset.close();
}
