/** What goes wrong with a request on its way, chosen by a test for each request or drawn from a seed. */
import { hash32, streamOf, uniform } from "../../../src/base/random.ts";

export type Fault =
  /** Done after `ms`, whether or not somebody still waits for the answer. */
  | { readonly kind: "delay"; readonly ms: number }
  /** Neither done nor answered. */
  | { readonly kind: "drop" }
  /** The connection breaks: while the request is sent, before anything was done, or after it and before its answer. */
  | { readonly kind: "reset"; readonly when: "during" | "before" | "after" }
  /** Done, and answered by an error all the same. */
  | { readonly kind: "lost"; readonly status: number; readonly code: string }
  /** The answer's body ends in the middle. */
  | { readonly kind: "truncate" }
  /** A part of an object is sent, and announced, as if it were all of it. */
  | {
      readonly kind: "shorten";
      /** How many bytes are left out; default: half of them. */
      readonly by?: number;
    }
  /** One byte of the request's body, or else of the object that is sent, is another one. */
  | {
      readonly kind: "corrupt";
      /** Where, as a fraction of the body; default: in the middle. */
      readonly at?: number;
      /** The bits that differ, 1 to 255; default: one of them. */
      readonly bits?: number;
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
  { kind: "reset", when: "during" },
  { kind: "reset", when: "before" },
  { kind: "reset", when: "after" },
  { kind: "lost", status: 500, code: "InternalError" },
  { kind: "truncate" },
  { kind: "shorten" },
  { kind: "corrupt" },
  { kind: "stale-list" },
];

/** The store takes the next skewed answer in a row for a clock that stays wrong, and is right. */
const mostSkewed = 3;

/**
 * Faults for a fraction `rate` of the requests, each as likely as the others but for `drop` and `delay`, which cost
 * time: `slowMs` null leaves them out.
 *
 * What happens to a request follows from its key and how many came for that key before, not from what other clients
 * do meanwhile: a load on the machine draws no other faults. Two things that chance may do here, and no network:
 * - the same damage to the same object twice in a row, which means that it lies damaged in the bucket;
 * - a server whose clock differs in four answers in a row.
 */
export function createRandomFaults(options: {
  readonly seed: number;
  readonly rate: number;
  readonly slowMs: number | null;
}): FaultScript {
  const { seed, rate, slowMs } = options;
  const fast = [...refusals, ...breaks];
  const counts = new Map<string, number>();
  const countOf = (what: string): number => {
    const count = (counts.get(what) ?? 0) + 1;
    counts.set(what, count);
    return count;
  };
  return ({ key, query }) => {
    // Names below `.probe/` are random.
    const place = key.replace(/\.probe\/.*/, "") || `?${query.get("prefix")}`;
    const draw = [seed, streamOf(place), countOf(place)];
    if (uniform(...draw, 1) >= rate) return null;
    if (slowMs !== null && uniform(...draw, 2) < 0.05)
      return hash32(...draw, 3) % 2 === 0
        ? { kind: "drop" }
        : { kind: "delay", ms: slowMs };
    const fault = fast[hash32(...draw, 4) % fast.length] ?? null;
    if (fault?.kind === "corrupt") {
      const bits = 1 + (countOf(`corrupt ${place}`) % 255);
      return { kind: "corrupt", at: uniform(...draw, 5), bits };
    }
    if (fault?.kind === "shorten")
      return { kind: "shorten", by: 1 + (countOf(`shorten ${place}`) % 64) };
    const isSkewed =
      fault?.kind === "refuse" && fault.code === "RequestTimeTooSkewed";
    if (isSkewed && countOf(`skewed ${place}`) > mostSkewed) return null;
    return fault;
  };
}

/** One byte is another one. */
export function damage(fault: Fault | null, bytes: Buffer): Buffer {
  if (fault?.kind !== "corrupt" || bytes.byteLength === 0) return bytes;
  const damaged = Buffer.from(bytes);
  const at = Math.floor((fault.at ?? 0.5) * damaged.byteLength);
  damaged[at] = (damaged[at] ?? 0) ^ (fault.bits ?? 4);
  return damaged;
}
