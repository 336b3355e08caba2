/**
 * Trying again: with a jittered, growing delay, as long as the server asks for, up to a ceiling of tries and time.
 * The ceiling counts tries without progress: a download that gets a few bytes further each time may go on.
 * At the ceiling the last failure becomes a `TransientError`, for whoever asked may have more patience.
 */
import type { Clock } from "../../base/clock.ts";
import { toError, TransientError } from "../../base/errors.ts";
import { createUserError, toFailure } from "./failure.ts";
import type { Failure } from "./failure.ts";
import type { Gate, Leave } from "./gate.ts";

export type RetryLimits = {
  /** Of one request without progress. */
  readonly tries: number;
  readonly windowMs: number;
  /** Of the first delay; each further one is up to twice as long. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
};

export const defaultLimits: RetryLimits = {
  tries: 10,
  windowMs: 60_000,
  firstDelayMs: 50,
  maxDelayMs: 5_000,
};

export type Try = {
  /** Says that this try got further than the ones before it. */
  progress(): void;
};

export type Retry = {
  /** Sends a request, and again while its failure is temporary. `action` is for messages: "read 'a/b'". */
  run<T>(action: string, send: (attempt: Try) => Promise<T>): Promise<T>;
};

export function createRetry(options: {
  readonly url: string;
  readonly gate: Gate;
  readonly limits: RetryLimits;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Gets fresh credentials; false if they are the ones that expired. */
  refreshCredentials(): Promise<boolean>;
}): Retry {
  const { url, gate, limits, clock, random } = options;

  /** How long to wait before the next try; throws when there is none. */
  async function toDelayMs(
    action: string,
    thrown: unknown,
    failure: Failure,
    state: State,
  ): Promise<number> {
    const where = `cannot ${action} in ${url}`;
    const fail = (code: string, hint: string): Error =>
      createUserError(where, { code, hint }, thrown);
    switch (failure.kind) {
      case "bug":
        throw thrown;
      case "user":
        throw createUserError(where, failure, thrown);
      case "expired": {
        if (state.inARow < 3) {
          const fresh = await refresh();
          if (fresh.kind === "failed" && fresh.failure.kind !== "expired")
            return toDelayMs(action, fresh.thrown, fresh.failure, state);
          if (fresh.kind === "answered" && fresh.value) return 0;
        }
        throw fail(
          "store.credentials",
          "the credentials have expired: get new ones (`aws sso login`, or another session token) and run again",
        );
      }
      case "skewed":
        if (state.inARow < 4) return 0;
        throw fail(
          "store.clock",
          "set this machine's clock, or the server's: they differ by more than S3 allows (15 minutes)",
        );
      case "temporary": {
        const most = limits.firstDelayMs * 2 ** (state.tries - 1);
        const jittered = random() * Math.min(limits.maxDelayMs, most);
        const delayMs = Math.max(jittered, failure.retryAfterMs ?? 0);
        const isOver =
          state.tries >= limits.tries ||
          state.elapsedMs + delayMs > limits.windowMs;
        if (!isOver) return delayMs;
        const { retryAfterMs } = failure;
        throw new TransientError({
          code: failure.code,
          message: `${where}, after ${state.tries} tries: ${toError(thrown).message || toError(thrown).name}`,
          ...(retryAfterMs === null ? {} : { retryAfterMs }),
          cause: thrown,
        });
      }
    }
  }

  /** Asks whoever gives credentials, which may fail as any request, or for good. */
  async function refresh(): Promise<Sent<boolean>> {
    try {
      const value = await options.refreshCredentials();
      return { kind: "answered", value };
    } catch (thrown) {
      return { kind: "failed", thrown, failure: toFailure(thrown) };
    }
  }

  return {
    async run(action, send) {
      let startMs = clock.monotonicMs();
      let tries = 0;
      let inARow = 0;
      let last: Failure["kind"] | null = null;
      const attempt: Try = {
        progress() {
          tries = 0;
          startMs = clock.monotonicMs();
        },
      };
      for (;;) {
        const leave = await gate.enter();
        const sent = await settle(leave, () => send(attempt));
        if (sent.kind === "answered") return sent.value;
        tries++;
        const { thrown, failure } = sent;
        inARow = failure.kind === last ? inARow + 1 : 1;
        last = failure.kind;
        const elapsedMs = clock.monotonicMs() - startMs;
        const state = { tries, inARow, elapsedMs };
        await clock.sleep(await toDelayMs(action, thrown, failure, state));
      }
    },
  };
}

type State = {
  /** Without progress. */
  readonly tries: number;
  /** Failures of the same kind, up to this one. */
  readonly inARow: number;
  readonly elapsedMs: number;
};

type Sent<T> =
  | { readonly kind: "answered"; readonly value: T }
  | {
      readonly kind: "failed";
      readonly thrown: unknown;
      readonly failure: Failure;
    };

async function settle<T>(
  leave: Leave,
  send: () => Promise<T>,
): Promise<Sent<T>> {
  try {
    const value = await send();
    leave("success");
    return { kind: "answered", value };
  } catch (thrown) {
    const failure = toFailure(thrown);
    const isSlowDown = failure.kind === "temporary" && failure.isSlowDown;
    leave(isSlowDown ? "slow-down" : "failure");
    return { kind: "failed", thrown, failure };
  }
}
