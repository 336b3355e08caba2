/**
 * One arm of bench/loader.ts in Node: our loader over a store. `node bench/loader-arm.ts CASE.json`. Each
 * line on standard input has it read one epoch, from opening the loader to the last batch.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
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
const { batch, side, maxBytes, storeUrl, shardPaths, workers } = given;

/** Streams and blocks in the proportions of a large set: an epoch has many blocks, of which a part is held at once. */
const order = createTrainingOrder({
  table,
  seed: 1,
  streams: 16,
  fullShuffleBytes: 0,
  blockBytes: 2 ** 23,
});

async function readEpoch(fromStep: number) {
  const loader = await openLoader({
    storeUrl,
    table,
    shardPaths,
    order,
    seed: 1,
    batch,
    workers,
    maxBytes,
    fromStep,
    crop: {
      side,
      scale: { kind: "area", min: 0.35, max: 1, ratio: 4 / 3 },
      place: "random",
      mirror: true,
    },
  });
  const steps = Math.floor(order.size / batch);
  let images = 0;
  for (let step = fromStep; step < fromStep + steps; step++)
    images += (await loader.batch(step)).size;
  const report = loader.report();
  await loader.close();
  return { images, report };
}

const rssBefore = process.memoryUsage().rss;
let round = 0;
for await (const _ of createInterface({ input: process.stdin })) {
  const start = performance.now();
  const cpu = process.cpuUsage();
  const { images, report } = await readEpoch(round++ * 7);
  const { user, system } = process.cpuUsage(cpu);
  // Of all loaders so far: each uses the memory of the one before.
  const peakBytes = process.resourceUsage().maxRSS * 1024 - rssBefore;
  console.log(
    JSON.stringify({
      images,
      wallSeconds: (performance.now() - start) / 1000,
      cpuSeconds: (user + system) / 1e6,
      peakBytes,
      says: report,
    }),
  );
}
