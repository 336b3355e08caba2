/** What probes are told: whether to restart the process, and whether it can do its work. */
import type { Clock } from "../../base/clock.ts";
import { toError } from "../../base/errors.ts";
import { layout } from "../../store/layout.ts";
import type { Store } from "../../store/store.ts";
import type { ControllerLimits } from "./settings.ts";

/** A probe comes every few seconds; the store is asked less often, and at once again while it does not answer. */
const ASK_STORE_EVERY_MS = 30_000;

export type Health = {
  /** Null: well. Else what is wrong, one line. */
  health(): string | null;
  readiness(): Promise<string | null>;
};

export function createHealth(options: {
  readonly clock: Clock;
  readonly limits: Pick<ControllerLimits, "silenceMs" | "hangMs">;
  readonly store: Store;
  readonly isSynced: () => boolean;
  readonly silentMs: () => number;
  /** The key whose turn goes on for longest, and since when by the monotonic clock. */
  readonly longestTurn: () => { key: string; sinceMs: number } | null;
}): Health {
  const { clock, limits, store } = options;
  let answeredAtMs = Number.NEGATIVE_INFINITY;
  return {
    health() {
      const turn = options.longestTurn();
      const tookMs = turn === null ? 0 : clock.monotonicMs() - turn.sinceMs;
      return turn === null || tookMs < limits.hangMs
        ? null
        : `a turn of ${turn.key} has gone on for ${Math.round(tookMs / 1000)} s`;
    },
    async readiness() {
      if (!options.isSynced()) return "the first lists are not complete";
      const silentMs = options.silentMs();
      if (silentMs > limits.silenceMs)
        return `nothing was heard of the API server for ${Math.round(silentMs / 1000)} s`;
      const nowMs = clock.monotonicMs();
      if (nowMs - answeredAtMs < ASK_STORE_EVERY_MS) return null;
      try {
        await store.stat(layout.sweep);
        answeredAtMs = nowMs;
        return null;
      } catch (thrown) {
        return `the store does not answer: ${toError(thrown).message}`;
      }
    },
  };
}
