/**
 * How many requests an epoch takes: a dataset of real photographs of 2 GiB or more, read through the loader from a real S3
 * server on this machine; requests are counted on their way to the server, so what a store asks twice counts twice.
 *
 *   node bench/requests.ts [--copies 17] [--workers 2]
 *
 * Prints one JSON line; exits with 1 when more than 1.05 requests a 16 MiB are made.
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { openLoader } from "../src/data/loader/open-loader.ts";
import { createTrainingOrder } from "../src/data/order/create-training-order.ts";
import { BLOCK_BYTES } from "../src/data/order/training-order.ts";
import { openReplicatedDataset } from "./support/replicated-dataset.ts";

const { values } = parseArgs({
  options: {
    copies: { type: "string", default: "17" },
    workers: { type: "string", default: "2" },
  },
});
const LIMIT = 1.05;
const BATCH = 64;

const dataset = await openReplicatedDataset({
  copies: Number(values.copies),
  isCounted: true,
});
try {
  const { storeUrl, table, shardPaths } = dataset;
  const order = createTrainingOrder({ table, seed: 1 });
  const loader = await openLoader({
    storeUrl,
    table,
    shardPaths,
    order,
    seed: 1,
    batch: BATCH,
    workers: Number(values.workers),
    crop: {
      side: 64,
      scale: { kind: "area", min: 0.35, max: 1, ratio: 4 / 3 },
      place: "random",
      mirror: true,
    },
  });
  const start = performance.now();
  const steps = Math.ceil(order.size / BATCH);
  for (let step = 0; step < steps; step++) await loader.batch(step);
  const seconds = (performance.now() - start) / 1000;
  const report = loader.report();
  await loader.close();
  const requests = dataset.requests();
  // The loader is ahead of the epoch's end: what counts is the requests for the bytes that it has fetched.
  const ratio = requests / (report.bytesFetched / BLOCK_BYTES);
  console.log(
    JSON.stringify({
      kind: order.kind,
      images: order.size,
      sizeBytes: dataset.sizeBytes,
      blocks: order.blocks.length,
      requests,
      requestsOfLoader: report.requests,
      bytesFetched: report.bytesFetched,
      requestsPer16MiB: Number(ratio.toFixed(4)),
      limit: LIMIT,
      seconds: Number(seconds.toFixed(1)),
      load: loadavg()[0],
    }),
  );
  process.exitCode = order.kind === "streams" && ratio <= LIMIT ? 0 : 1;
} finally {
  await dataset.close();
}
