/**
 * The whole log of one task, from two places: its pods while they are there, and the store, where workers keep what they
 * say a few seconds later. The store has attempts whose pods are gone; the pods have the last words, and what libraries
 * print. The same lines are in both, byte for byte, and in the same order: that is what joins them.
 */

/** New lines of the task in the store since the last call. */
export type ReadStored = () => Promise<readonly string[]>;

export type TaskLog = {
  /** Shows all lines of a pod, after what the store has from before it. One at a time, in the order of the pods. */
  showPod(lines: AsyncIterable<string>): Promise<void>;
  /** Shows what the store has and no pod has said. */
  showRest(): Promise<void>;
};

export function createTaskLog(
  readStored: ReadStored,
  print: (line: string) => void,
): TaskLog {
  /** In the store, and neither shown nor known to be. */
  let stored: string[] = [];
  /** The last line of a pod that is in the store too, or will be. */
  let last: string | null = null;

  const readMore = async (): Promise<void> => {
    stored.push(...(await readStored()));
    // What the pod has shown is no news; where its last line is not there yet, nothing behind it is.
    if (last === null) return;
    const at = stored.lastIndexOf(last);
    if (at < 0) stored = [];
    else {
      stored = stored.slice(at + 1);
      last = null;
    }
  };
  const showBefore = async (first: string): Promise<void> => {
    await readMore();
    const at = stored.indexOf(first);
    const earlier = at < 0 ? stored : stored.slice(0, at);
    stored = at < 0 ? [] : stored.slice(at);
    earlier.forEach(print);
  };

  return {
    async showPod(lines) {
      /** Until a line comes that the store can be searched for; a library's own words are not there. */
      let held: string[] | null = [];
      for await (const line of lines) {
        if (isOfLogger(line) && held !== null) {
          await showBefore(line);
          held.forEach(print);
          held = null;
        }
        if (held === null) print(line);
        else held.push(line);
        if (isOfLogger(line)) last = line;
      }
      held?.forEach(print);
    },
    async showRest() {
      await readMore();
      stored.forEach(print);
      stored = [];
    },
  };
}

function isOfLogger(line: string): boolean {
  return line.startsWith("{");
}
