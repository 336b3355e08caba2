/** Memory as a number of bytes that tasks take and give back, in the order in which they came. */

export type ByteBudget = {
  /** Waits until so many bytes are free, or until nobody else holds any; call the result once to give them back. */
  take(bytes: number): Promise<() => void>;
};

export function createByteBudget(maximum: number): ByteBudget {
  let held = 0;
  const waiting: { readonly bytes: number; readonly admit: () => void }[] = [];

  function admitNext(): void {
    for (;;) {
      const [next] = waiting;
      // More than the whole budget may be asked for, and then has it alone.
      if (!next || (held > 0 && held + next.bytes > maximum)) return;
      waiting.shift();
      held += next.bytes;
      next.admit();
    }
  }
  return {
    async take(bytes) {
      await new Promise<void>((admit) => {
        waiting.push({ bytes, admit });
        admitNext();
      });
      return () => {
        held -= bytes;
        admitNext();
      };
    },
  };
}
