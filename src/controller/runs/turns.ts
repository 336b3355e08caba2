/** One after the other: what is asked for waits until what was asked before is over, well or not. */
export type Turns = {
  take<T>(work: () => Promise<T>): Promise<T>;
};

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return {
    take(work) {
      const next = last.then(work, work);
      last = next;
      return next;
    },
  };
}
