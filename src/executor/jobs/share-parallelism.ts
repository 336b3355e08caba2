/**
 * How many pods each Job of a Run may have, so that all together have no more than the Run's `parallelism`. Pure.
 *
 * Who runs keeps running: a Job is given what it has before anybody is given more, so that ending one Job never stops
 * another's pods. Only when there are too many in all do the youngest Jobs lose some, which then save a checkpoint. 0: a
 * Job waits its turn.
 */
export type Sharer = {
  /** The Job's. */
  readonly name: string;
  /** Tasks that have not ended. */
  readonly left: number;
  /** Pods that run or wait for a node. */
  readonly active: number;
  /** What it may have now. */
  readonly parallelism: number;
};

/**
 * @param sharers oldest first.
 * @param limit null: everybody may have all.
 * @returns the Jobs whose share is another one than now, those with less first.
 */
export function shareParallelism(
  sharers: readonly Sharer[],
  limit: number | null,
): ReadonlyMap<string, number> {
  const shares = new Map<string, number>();
  let free = limit ?? Number.POSITIVE_INFINITY;
  const give = ({ name, left }: Sharer, most: number): void => {
    const has = shares.get(name) ?? 0;
    const more = Math.min(most, left - has, free);
    shares.set(name, has + more);
    free -= more;
  };
  for (const sharer of sharers) give(sharer, sharer.active);
  for (const sharer of sharers) give(sharer, sharer.left);
  const changes = sharers.flatMap(({ name, left, parallelism }) => {
    const share = shares.get(name) ?? 0;
    const now = Math.min(parallelism, left);
    return left === 0 || share === now ? [] : [{ name, share, now }];
  });
  // Room must be there before it is given away.
  changes.sort((a, b) => a.share - a.now - (b.share - b.now));
  return new Map(changes.map(({ name, share }) => [name, share]));
}
