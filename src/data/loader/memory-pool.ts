/**
 * Shared memory that loaders of one process use one after the other. Nothing gives shared memory back at once: it goes when
 * the collector of every thread has seen that nobody holds it, so a training and a measurement after it would
 * take twice what each is allowed. What one loader gave back the next one takes.
 *
 * A pool keeps one memory that nobody uses, the larger of two. What is taken holds whatever was there before.
 */

export type MemoryPool = {
  /** A memory of `wanted` bytes; of fewer, but at least `least`, where one is at hand. */
  take(wanted: number, least: number): Uint8Array;
  /** Nobody reads or writes it any more. */
  giveBack(memory: Uint8Array): void;
  /** Bytes of all memories that are in use or kept. */
  readonly heldBytes: number;
};

export function createMemoryPool(): MemoryPool {
  let kept: SharedArrayBuffer | null = null;
  let heldBytes = 0;

  /** For the collector. */
  function forget(memory: SharedArrayBuffer): void {
    heldBytes -= memory.byteLength;
  }

  return {
    take(wanted, least) {
      const found = kept;
      kept = null;
      if (found && found.byteLength >= least)
        return new Uint8Array(found, 0, Math.min(wanted, found.byteLength));
      if (found) forget(found);
      heldBytes += wanted;
      return new Uint8Array(new SharedArrayBuffer(wanted));
    },
    giveBack({ buffer }) {
      const memory = buffer as SharedArrayBuffer;
      const [larger, smaller] =
        kept && kept.byteLength > memory.byteLength
          ? [kept, memory]
          : [memory, kept];
      if (smaller) forget(smaller);
      kept = larger;
    },
    get heldBytes() {
      return heldBytes;
    },
  };
}

/** Of this process: where blocks lie, and where batches are made. */
export const blockMemory = createMemoryPool();
export const batchMemory = createMemoryPool();
