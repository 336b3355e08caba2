/**
 * Cuts neighbouring samples of a shard into blocks that are one range read each, evenly by bytes, at sample borders.
 * A block has `blockBytes` or more, but for runs that are shorter: so an epoch needs no more requests than its bytes
 * divided by `blockBytes`, and one for each short run.
 */
import {
  extentOf,
  lowerBound,
  type Extent,
  type SampleList,
} from "./sample-list.ts";
import type { Block } from "./training-order.ts";

/** Indices [start, end) of a list, all in one shard and near each other. */
export type Run = { readonly start: number; readonly end: number };

/** Cuts indices [start, end) at the breaks of a survey. */
export function toRuns({ start, end }: Run, breaks: readonly number[]): Run[] {
  const runs: Run[] = [];
  let from = start;
  const at = lowerBound(breaks.length, (k) => (breaks[k] as number) > start);
  for (let k = at; k < breaks.length && (breaks[k] as number) < end; k++) {
    runs.push({ start: from, end: breaks[k] as number });
    from = breaks[k] as number;
  }
  if (from < end) runs.push({ start: from, end });
  return runs;
}

/** The blocks of a run; ids count up from `firstId`. */
export function cutBlocks(
  list: SampleList,
  run: Run,
  options: { readonly blockBytes: number; readonly firstId: number },
): Block[] {
  const shard = list.table.shardOf(list.sampleAt(run.start));
  const whole = {
    start: extentAt(list, run.start).start,
    end: extentAt(list, run.end - 1).end,
  };
  const borders = toBorders(list, run, { whole, ...options });
  return borders.slice(0, -1).map((first, k) => {
    const next = borders[k + 1] as number;
    const offset = extentAt(list, first).start;
    const length = extentAt(list, next - 1).end - offset;
    const id = options.firstId + k;
    return { id, shard, offset, length, first, count: next - first };
  });
}

/** First indices of the blocks, and the run's end: each border is the first sample that begins at or after its share. */
function toBorders(
  list: SampleList,
  run: Run,
  options: { readonly whole: Extent; readonly blockBytes: number },
): number[] {
  const { start, end } = options.whole;
  const wanted = Math.floor((end - start) / options.blockBytes);
  const count = Math.max(1, Math.min(wanted, run.end - run.start));
  const borders = [run.start];
  for (let k = 1; k < count; k++) {
    const target = start + ((end - start) * k) / count;
    const border =
      run.start +
      lowerBound(
        run.end - run.start,
        (i) => extentAt(list, run.start + i).start >= target,
      );
    if (border > (borders.at(-1) as number) && border < run.end)
      borders.push(border);
  }
  return [...borders, run.end];
}

function extentAt(list: SampleList, index: number): Extent {
  return extentOf(list.table.record(list.sampleAt(index)));
}
