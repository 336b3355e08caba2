/**
 * What the end of an attempt means for its task: the exit-code contract of docs/design.md as one table.
 * Local attempts are judged by it, and a Job's `podFailurePolicy` (KEP-3329) can be generated from it: rules are
 * tried in order, the first that matches decides, as there. Refuses to look at anything but the attempts.
 *
 * Each rule has its own count, so that evictions never use up the tries of a bug, and each count has a ceiling,
 * so that every task comes to an end. The back-off is a function of (key, rule, count): no randomness (invariant D).
 */
import { ExitCode } from "../base/errors.ts";
import { streamOf, uniform } from "../base/random.ts";
import type { AttemptObservation, EndCause } from "./observation.ts";

/** `preempted`: through no fault of the task; the next attempt goes on from its checkpoint. */
export type EndOutcome = "retryable" | "fatal" | "preempted";

export type RetryRule = {
  /** Stable; the name of the rule in a pod failure policy. */
  readonly name: string;
  readonly matches:
    | { readonly cause: EndCause }
    | { readonly exitCodes: readonly number[] }
    /** Killed by a signal without a cause that anybody knows, or any code that no rule names. */
    | "anything";
  readonly outcome: EndOutcome;
  /** Ends of this kind after which the task has failed. 1: the first one is final. */
  readonly limit: number;
  /** Wait after the first such end, doubled at each further one up to `maxMs`. */
  readonly backoff: { readonly firstMs: number; readonly maxMs: number };
};

const atOnce = { firstMs: 0, maxMs: 0 };
const never = atOnce;

export const retryRules = [
  {
    name: "StoppedByDriver",
    matches: { cause: "stopped-by-us" },
    outcome: "preempted",
    limit: Number.POSITIVE_INFINITY,
    backoff: atOnce,
  },
  {
    name: "Evicted",
    matches: { cause: "evicted" },
    outcome: "preempted",
    limit: 50,
    backoff: { firstMs: 1000, maxMs: 60_000 },
  },
  {
    name: "ClaimHeld",
    matches: { cause: "claim" },
    outcome: "preempted",
    limit: 100,
    backoff: { firstMs: 1000, maxMs: 30_000 },
  },
  {
    name: "OutOfMemory",
    matches: { cause: "out-of-memory" },
    outcome: "fatal",
    // One more where `task-memory` has more to give.
    limit: 1,
    backoff: never,
  },
  {
    name: "Deadline",
    matches: { cause: "deadline" },
    outcome: "retryable",
    limit: 2,
    backoff: atOnce,
  },
  {
    name: "Lost",
    matches: { cause: "lost" },
    outcome: "retryable",
    limit: 8,
    backoff: { firstMs: 1000, maxMs: 120_000 },
  },
  {
    name: "UsageOrData",
    matches: { exitCodes: [ExitCode.usage, ExitCode.data] },
    outcome: "fatal",
    limit: 1,
    backoff: never,
  },
  {
    name: "Stopped",
    matches: { exitCodes: [ExitCode.stopped] },
    outcome: "preempted",
    limit: 50,
    backoff: { firstMs: 500, maxMs: 60_000 },
  },
  {
    name: "Temporary",
    matches: { exitCodes: [ExitCode.temporary] },
    outcome: "retryable",
    limit: 8,
    backoff: { firstMs: 1000, maxMs: 120_000 },
  },
  {
    name: "Killed",
    matches: { exitCodes: [ExitCode.killed] },
    outcome: "retryable",
    limit: 4,
    backoff: { firstMs: 1000, maxMs: 60_000 },
  },
  {
    name: "Bug",
    matches: "anything",
    outcome: "retryable",
    limit: 3,
    backoff: { firstMs: 1000, maxMs: 60_000 },
  },
] as const satisfies readonly RetryRule[];

/** The rule that decides what this end means. */
export function ruleFor(
  end: NonNullable<AttemptObservation["end"]>,
): RetryRule {
  for (const rule of retryRules as readonly RetryRule[]) {
    if (rule.matches === "anything") return rule;
    if ("cause" in rule.matches) {
      if (rule.matches.cause === end.cause) return rule;
    } else if (end.exitCode !== null) {
      if (rule.matches.exitCodes.includes(end.exitCode)) return rule;
    }
  }
  throw new Error("the retry rules have no last rule that matches anything");
}

export type Verdict =
  /** No end counts: the task has not been tried, or was reset. */
  | { readonly kind: "untried" }
  | {
      readonly kind: "again";
      readonly notBeforeMs: number;
      readonly reason: string;
    }
  | { readonly kind: "failed"; readonly reason: string };

/**
 * What the ended attempts of an uncommitted task mean.
 * @param sinceMs ends at or before this time do not count: somebody asked for the task to be tried afresh.
 * @param key names the task's jitter, so that tasks that failed together do not come back together.
 */
export function judgeAttempts(options: {
  readonly attempts: readonly AttemptObservation[];
  readonly sinceMs: number;
  readonly key: string;
  /** An attempt that ran out of memory can be given more: once is then not final. */
  readonly canRaiseMemory?: boolean;
}): Verdict {
  const counts = new Map<string, number>();
  let verdict: Verdict = { kind: "untried" };
  for (const { end } of options.attempts) {
    if (end === null || end.atMs <= options.sinceMs) continue;
    const rule = ruleFor(end);
    const count = (counts.get(rule.name) ?? 0) + 1;
    counts.set(rule.name, count);
    const reason = describeEnd(end);
    const mayGrow =
      options.canRaiseMemory === true && end.cause === "out-of-memory";
    const limit = rule.limit + (mayGrow ? 1 : 0);
    if (count >= limit || end.isFinal === true)
      return { kind: "failed", reason: withTries(reason, count) };
    const waitMs = backoffMs(rule, count, options.key);
    verdict = { kind: "again", notBeforeMs: end.atMs + waitMs, reason };
  }
  return verdict;
}

/** Milliseconds to wait after the `count`-th end under `rule`: doubled each time, ±25 % by the key. */
export function backoffMs(rule: RetryRule, count: number, key: string): number {
  const { firstMs, maxMs } = rule.backoff;
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(count - 1, 30));
  const jitter = uniform(streamOf(key), streamOf(rule.name), count);
  return Math.round(full * (0.75 + jitter / 2));
}

function describeEnd(end: NonNullable<AttemptObservation["end"]>): string {
  if (end.exitCode === ExitCode.done)
    return "the worker ended with exit code 0, but no manifest is in the store";
  return end.reason || `ended with exit code ${end.exitCode ?? "none"}`;
}

function withTries(reason: string, count: number): string {
  return count === 1 ? reason : `${reason} (${count} times)`;
}
