/**
 * Work beside the turns of a Run, which none of them waits for: one at a time, and once more if it was asked for meanwhile.
 * It is level-triggered like a turn, so that what fails is done again by whoever looks next, and told to them.
 */
import { toError } from "../base/errors.ts";

export type Background = {
  start(): void;
  /** Throws what it failed of, once. */
  check(): void;
  isBusy(): boolean;
  /** Resolves when it does nothing any more, well or not. */
  settled(): Promise<void>;
};

/** @param onFailed somebody should look: `check` throws. */
export function createBackground(
  work: () => Promise<void>,
  onFailed: () => void,
): Background {
  let running: Promise<void> | null = null;
  let isAsked = false;
  let failure: Error | null = null;

  const run = async (): Promise<void> => {
    try {
      while (isAsked) {
        isAsked = false;
        await work();
      }
    } catch (thrown) {
      isAsked = false;
      failure = toError(thrown);
    }
    running = null;
    if (failure !== null) onFailed();
  };
  return {
    start() {
      isAsked = true;
      running ??= run();
    },
    check() {
      if (failure === null) return;
      const thrown = failure;
      failure = null;
      throw thrown;
    },
    isBusy: () => running !== null,
    async settled() {
      await running;
    },
  };
}
