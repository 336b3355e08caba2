/**
 * The stage `shard`, one part of it: packs its share of the source's images into a tar shard with a side index, and
 * reports what is in it. The parts of a stage run side by side; `catalog` merges their reports.
 */
import { PART_FILE, shardFiles, toJsonBytes } from "../data/catalog.ts";
import { checkQuarantine } from "../data/shards/merge-parts.ts";
import { packShard } from "../data/shards/pack-shard.ts";
import { openSource } from "../data/sources/source.ts";
import type { RunStage } from "./stage.ts";

const PROGRESS_EVERY = 500;

export const runShard: RunStage<"shard"> = async (context) => {
  const { params, output, signal } = context;
  const part = context.description.task.part ?? { index: 0, count: 1 };
  const request = {
    source: params.source,
    format: params.format,
    split: params.split,
    limit: params.limit ?? null,
  };
  const source = await openSource(request);
  const packed = await packShard({
    source,
    request,
    part,
    order: params.order,
    signal,
    progress(done, total) {
      if (done % PROGRESS_EVERY === 0 || done === total)
        context.progress({ step: done, steps: total, detail: "images packed" });
    },
  });
  // This part alone may already be beyond what the whole stage allows.
  checkQuarantine(packed.part.quarantine, source.items.length, params.maxBad);
  const files = shardFiles(part);
  await output.writeStream(files.tar, packed.sizeBytes, stream(packed));
  await output.write(files.index, packed.index);
  await output.write(PART_FILE, toJsonBytes(packed.part));
  return {
    metrics: {
      images: packed.part.samples,
      bytes: packed.sizeBytes,
      bad: packed.part.quarantine.length,
    },
  };
};

async function* stream(packed: {
  chunks(): Iterable<Uint8Array>;
}): AsyncGenerator<Uint8Array, void, undefined> {
  yield* packed.chunks();
}
