/**
 * Sending a request again, with growing, jittered delays.
 *
 * T1 After a temporary answer (429, 500, 502, 503, 504) or a broken connection only a request is sent again whose doing
 *    twice is doing once. Others are sent again only where nothing can have been done: the server was not reached, or
 *    said 429, which it says before it looks at a request (KEP-1040).
 * T2 The server's `Retry-After` is the least wait; one that asks for more than `maxRetryAfterMs` is left to the caller.
 */
import type { Clock } from "../../base/clock.ts";
import { KubeRefusal } from "../refusal.ts";
import { isTemporary } from "./answer.ts";
import { toNetworkFailure } from "./failure.ts";

export type RetryLimits = {
  /** Of one request. */
  readonly tries: number;
  /** Before the second; each further one is up to twice as long. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  readonly maxRetryAfterMs: number;
};

export const defaultRetryLimits: RetryLimits = {
  tries: 6,
  firstDelayMs: 100,
  maxDelayMs: 5_000,
  maxRetryAfterMs: 30_000,
};

export type Repeatable = {
  /** Doing it twice is doing it once (T1). */
  readonly isIdempotent: boolean;
  readonly signal?: AbortSignal | undefined;
};

export type Retry = {
  /** Throws what the last try threw. */
  run<T>(request: Repeatable, attempt: () => Promise<T>): Promise<T>;
};

export function createRetry(options: {
  readonly limits: RetryLimits;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}): Retry {
  const { limits, clock, random } = options;

  /** Null: it is not sent again. */
  function toDelayMs(
    request: Repeatable,
    thrown: unknown,
    tries: number,
  ): number | null {
    if (tries >= limits.tries || !isSafe(request, thrown)) return null;
    const askedMs =
      thrown instanceof KubeRefusal ? (thrown.retryAfterMs ?? 0) : 0;
    if (askedMs > limits.maxRetryAfterMs) return null;
    const most = limits.firstDelayMs * 2 ** (tries - 1);
    // Added to what the server asks for: those who were told the same moment must not all come at it.
    return askedMs + random() * Math.min(limits.maxDelayMs, most);
  }

  return {
    async run(request, attempt) {
      for (let tries = 1; ; tries++) {
        try {
          return await attempt();
        } catch (thrown) {
          const delayMs = toDelayMs(request, thrown, tries);
          if (delayMs === null || request.signal?.aborted) throw thrown;
          await clock.sleep(delayMs, request.signal);
          if (request.signal?.aborted) throw thrown;
        }
      }
    },
  };
}

function isSafe({ isIdempotent }: Repeatable, thrown: unknown): boolean {
  if (thrown instanceof KubeRefusal)
    return isTemporary(thrown) && (isIdempotent || thrown.status === 429);
  const failure = toNetworkFailure(thrown);
  return failure === "unreachable" || (failure === "broken" && isIdempotent);
}
