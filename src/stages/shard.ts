/**
 * The stage `shard`, one part of it: packs its share of the source's images into a tar shard with a side index, and
 * reports what is in it. The parts of a stage run side by side; `catalog` merges their reports.
 */
import os from "node:os";
import { PART_FILE, shardFiles, toJsonBytes } from "../data/catalog.ts";
import { checkQuarantine } from "../data/shards/merge-parts.ts";
import { checkUnchanged, openPlace } from "../data/places/place.ts";
import { packShard } from "../data/shards/pack-shard.ts";
import { openSourceOf } from "../data/sources/source.ts";
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
    masks: params.masks,
    list: params.list,
    classes: params.classes,
    share: params.share,
  };
  const tree = await openPlace(params.source);
  const planned = context.description.sources?.[params.source];
  if (planned !== undefined) checkUnchanged(tree, planned);
  const source = await openSourceOf(tree, request);
  const files = shardFiles(part);
  const pack = {
    source,
    request,
    part,
    order: params.order,
    shrink: params.shrink ?? null,
    scratch: os.tmpdir(),
    signal,
    progress(done: number, total: number) {
      if (done % PROGRESS_EVERY === 0 || done === total)
        context.progress({ step: done, steps: total, detail: "images packed" });
    },
  };
  return await packShard(pack, async (shard) => {
    const { samples, quarantine } = shard.part;
    // This part alone may already be beyond what the whole stage allows.
    checkQuarantine(quarantine, source.items.length, params.maxBad);
    await output.writeStream(files.tar, shard.sizeBytes, shard.chunks());
    await output.write(files.index, shard.index());
    if (shard.marks) await output.write(files.marks, shard.marks);
    await output.write(PART_FILE, toJsonBytes(shard.part));
    return {
      metrics: {
        images: samples,
        bytes: shard.sizeBytes,
        bad: quarantine.length,
      },
    };
  });
};
