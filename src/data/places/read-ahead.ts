/**
 * Reads files ahead of who uses them: up to 16 at once, so that a bucket's latency is hidden, but no more bytes than a
 * budget, so that large photographs are not all held; and hands them on two at a time, since using them is decoding.
 */
import { mapBounded } from "../../base/async.ts";

const READS_AT_ONCE = 16;
const USES_AT_ONCE = 2;
const HELD_BYTES = 32 * 2 ** 20;

export async function readAhead<T, R>(
  items: readonly T[],
  how: {
    sizeBytes(item: T): number;
    read(item: T): Promise<R>;
    use(position: number, item: T, read: R): Promise<void>;
    /** Largest sum of bytes that are read and not yet used; one file may be larger. */
    readonly heldBytes?: number;
  },
): Promise<void> {
  const bytes = createBudget(how.heldBytes ?? HELD_BYTES);
  const uses = createBudget(USES_AT_ONCE);
  await mapBounded(items, READS_AT_ONCE, async (item, position) => {
    const size = how.sizeBytes(item);
    await bytes.spend(size, async () => {
      const read = await how.read(item);
      await uses.spend(1, () => how.use(position, item, read));
    });
  });
}

/** Amounts that may be out at the same time; who asks first is served first; too large an amount goes alone. */
function createBudget(limit: number) {
  const waiting: { readonly amount: number; start(): void }[] = [];
  let spent = 0;
  const isFree = (amount: number) => spent === 0 || spent + amount <= limit;
  const startWaiting = (): void => {
    for (
      let next = waiting[0];
      next && isFree(next.amount);
      next = waiting[0]
    ) {
      waiting.shift();
      spent += next.amount;
      next.start();
    }
  };
  return {
    async spend(amount: number, act: () => Promise<void>): Promise<void> {
      await new Promise<void>((start) => {
        waiting.push({ amount, start });
        startWaiting();
      });
      try {
        await act();
      } finally {
        spent -= amount;
        startWaiting();
      }
    },
  };
}
