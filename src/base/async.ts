/**
 * Small pieces of asynchronous control: bounded parallel map, releasers that undo in reverse order.
 */

/** Maps with at most `limit` calls in flight; keeps the order; the first failure stops new calls and is thrown. */
export async function mapBounded<T, R>(
  items: readonly T[],
  limit: number,
  map: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  results.length = items.length;
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (!failed && next < items.length) {
      const index = next++;
      try {
        results[index] = await map(items[index] as T, index);
      } catch (thrown) {
        failed = true;
        throw thrown;
      }
    }
  };
  await Promise.all(
    Array.from({ length: Math.min(limit, items.length) }, lane),
  );
  return results;
}

export type Releasers = {
  /** Registers the undo of what was just acquired. */
  add(release: () => void | Promise<void>): void;
  /** Undoes everything, last acquired first; all of it, even if one fails; then throws the first failure. */
  releaseAll(): Promise<void>;
};

export function createReleasers(): Releasers {
  const stack: (() => void | Promise<void>)[] = [];
  return {
    add(release) {
      stack.push(release);
    },
    async releaseAll() {
      const failures: unknown[] = [];
      for (let release = stack.pop(); release; release = stack.pop()) {
        try {
          await release();
        } catch (thrown) {
          failures.push(thrown);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}
