/**
 * One arm of bench/loader.ts in Node: our loader over a store. `node bench/loader-arm.ts CASE.json`. One loader stays
 * open; each line on standard input has it read on where it was, for one round.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { openLoader } from "../src/data/loader/open-loader.ts";
import { createTrainingOrder } from "../src/data/order/create-training-order.ts";
import { createSampleTable } from "../src/data/shards/sample-table.ts";
import type { LoaderCase } from "./loader.ts";

const given = JSON.parse(
  readFileSync(process.argv[2] ?? "", "utf8"),
) as LoaderCase;
const bytes = Buffer.from(given.recordsBase64, "base64");
const records = new SharedArrayBuffer(bytes.length);
new Uint8Array(records).set(bytes);
const table = createSampleTable({ shards: given.shards, records });
const { batch, side, batches, leadIn } = given;

const rssBefore = process.memoryUsage().rss;
const loader = await openLoader({
  ...given,
  table,
  /** Streams and blocks in the proportions of a large set: an epoch has many blocks, of which a part is held at once. */
  order: createTrainingOrder({
    table,
    seed: 1,
    streams: 16,
    fullShuffleBytes: 0,
    blockBytes: 2 ** 23,
  }),
  seed: 1,
  crop: {
    side,
    scale: { kind: "area", min: 0.35, max: 1, ratio: 4 / 3 },
    place: "random",
    mirror: true,
  },
});
let step = 0;

async function read(count: number): Promise<void> {
  for (const end = step + count; step < end; step++) await loader.batch(step);
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Until what is made ahead is made, which is not to be in another arm's turn. */
async function standStill(): Promise<void> {
  for (let before = -1; cpuSeconds() - before > 0.01;) {
    before = cpuSeconds();
    await sleep(100);
  }
}

for await (const _ of createInterface({ input: process.stdin })) {
  await read(leadIn);
  loader.report();
  const [start, cpu] = [performance.now(), cpuSeconds()];
  await read(batches);
  const wallSeconds = (performance.now() - start) / 1000;
  const round = {
    images: batches * batch,
    wallSeconds,
    cpuSeconds: cpuSeconds() - cpu,
    peakBytes: process.resourceUsage().maxRSS * 1024 - rssBefore,
    says: loader.report(),
  };
  await standStill();
  console.log(JSON.stringify(round));
}
await loader.close();
