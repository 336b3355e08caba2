/**
 * Deals the samples of a list to the canonical streams, and cuts each stream into blocks: once, by the seed alone, so that
 * a stream keeps its blocks for the whole training and a cache of blocks serves every epoch.
 */
import { hash32, permute, streamOf } from "../../base/random.ts";
import { cutBlocks, toRuns, type Run } from "./cut-blocks.ts";
import type { SampleList, Survey } from "./sample-list.ts";
import type { Block } from "./training-order.ts";

const SHARDS = streamOf("order/stream-shards");

/** The blocks of each stream; ids count up through the streams. */
export function cutStreams(
  list: SampleList,
  options: {
    readonly seed: number;
    readonly streams: number;
    readonly survey: Survey;
    readonly blockBytes: number;
  },
): Block[][] {
  const { streams, survey, blockBytes } = options;
  const deal = dealer(shardRuns(list, options.seed));
  let firstId = 0;
  return Array.from({ length: streams }, (_, stream) => {
    const count =
      Math.floor(list.size / streams) + (stream < list.size % streams ? 1 : 0);
    const blocks: Block[] = [];
    for (const segment of deal(count))
      for (const run of toRuns(segment, survey.breaks)) {
        const cut = cutBlocks(list, run, { blockBytes, firstId });
        blocks.push(...cut);
        firstId += cut.length;
      }
    return blocks;
  });
}

/** The indices of each shard that has samples in the list, in the seed's order of the shards. */
function shardRuns(list: SampleList, seed: number): Run[] {
  const { shards } = list.table;
  return shards
    .map((_, i) => {
      const at = permute(i, shards.length, hash32(SHARDS, seed));
      const { first, samples } = shards[at] as (typeof shards)[number];
      return { start: list.indexOf(first), end: list.indexOf(first + samples) };
    })
    .filter(({ start, end }) => start < end);
}

/** Takes so many indices at a time from the front of the runs. */
function dealer(runs: readonly Run[]): (count: number) => Run[] {
  let at = 0;
  let start = runs[0]?.start ?? 0;
  return (count) => {
    const dealt: Run[] = [];
    let left = count;
    while (left > 0) {
      const { end } = runs[at] as Run;
      const taken = Math.min(left, end - start);
      dealt.push({ start, end: start + taken });
      left -= taken;
      start += taken;
      if (start === end) start = runs[++at]?.start ?? 0;
    }
    return dealt;
  };
}
