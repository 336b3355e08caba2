/** What goes wrong with a request on its way, chosen by a test for each request or drawn from a seed. */
import { hash32, uniform } from "../../../src/base/random.ts";

export type Fault =
  /** Done after `ms`, whether or not somebody still waits for the answer. */
  | { readonly kind: "delay"; readonly ms: number }
  /** Neither done nor answered. */
  | { readonly kind: "drop" }
  /** The connection breaks: before anything was done, or after it was done and before its answer. */
  | { readonly kind: "reset"; readonly when: "before" | "after" }
  /** Done, and answered by an error all the same. */
  | { readonly kind: "lost"; readonly status: number; readonly code: string }
  /** The answer's body ends in the middle. */
  | { readonly kind: "truncate" }
  /** One byte of the request's body, or else of the object that is sent, is another one. */
  | {
      readonly kind: "corrupt";
      /** Where, as a fraction of the body; default: in the middle. */
      readonly at?: number;
    }
  | {
      readonly kind: "refuse";
      readonly status: number;
      readonly code: string;
      readonly retryAfter?: string;
    }
  /** A listing shows the bucket as it was some changes ago. */
  | { readonly kind: "stale-list" };

export type RequestView = {
  readonly method: string;
  readonly key: string;
  readonly query: URLSearchParams;
  /** 1 for the first request. */
  readonly number: number;
};

/** The fault of a request; null: none. */
export type FaultScript = (request: RequestView) => Fault | null;

const refusals: readonly Fault[] = [
  { kind: "refuse", status: 500, code: "InternalError" },
  { kind: "refuse", status: 503, code: "SlowDown" },
  { kind: "refuse", status: 503, code: "ServiceUnavailable", retryAfter: "0" },
  { kind: "refuse", status: 409, code: "ConditionalRequestConflict" },
  { kind: "refuse", status: 400, code: "RequestTimeout" },
  { kind: "refuse", status: 403, code: "RequestTimeTooSkewed" },
];
const breaks: readonly Fault[] = [
  { kind: "reset", when: "before" },
  { kind: "reset", when: "after" },
  { kind: "lost", status: 500, code: "InternalError" },
  { kind: "truncate" },
  { kind: "corrupt" },
  { kind: "stale-list" },
];

/**
 * Faults for a fraction `rate` of the requests, each as likely as the others but for `drop` and `delay`, which cost
 * time: `slowMs` null leaves them out.
 */
export function createRandomFaults(options: {
  readonly seed: number;
  readonly rate: number;
  readonly slowMs: number | null;
}): FaultScript {
  const { seed, rate, slowMs } = options;
  const fast = [...refusals, ...breaks];
  return ({ number }) => {
    if (uniform(seed, number, 1) >= rate) return null;
    if (slowMs !== null && uniform(seed, number, 2) < 0.05)
      return hash32(seed, number, 3) % 2 === 0
        ? { kind: "drop" }
        : { kind: "delay", ms: slowMs };
    const fault = fast[hash32(seed, number, 4) % fast.length] ?? null;
    return fault?.kind === "corrupt"
      ? { kind: "corrupt", at: uniform(seed, number, 5) }
      : fault;
  };
}
