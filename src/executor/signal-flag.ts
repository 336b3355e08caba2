/** "Something may have changed", remembered until somebody waits for it, so that no change falls between two waits. */

export type SignalFlag = {
  raise(): void;
  /** Resolves when raised (at once if it was since the last wait) or when `signal` aborts; lowers the flag. */
  wait(signal: AbortSignal): Promise<void>;
};

export function createSignalFlag(): SignalFlag {
  let raised = false;
  let wake: (() => void) | null = null;
  return {
    raise() {
      raised = true;
      wake?.();
    },
    async wait(signal) {
      if (!raised && !signal.aborted)
        await new Promise<void>((resolve) => {
          wake = () => {
            signal.removeEventListener("abort", wake as () => void);
            resolve();
          };
          signal.addEventListener("abort", wake);
        });
      wake = null;
      raised = false;
    },
  };
}
