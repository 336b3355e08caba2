import { describe, expect, it } from "vitest";
import type {
  AttemptObservation,
  EndCause,
} from "../../src/run/observation.ts";
import {
  backoffMs,
  judgeAttempts,
  retryRules,
  ruleFor,
} from "../../src/run/retry-policy.ts";

type End = readonly [exitCode: number | null, cause?: EndCause];

function attemptsOf(ends: readonly End[]): readonly AttemptObservation[] {
  return ends.map(([exitCode, cause = null], index) => ({
    number: index + 1,
    startedAtMs: index * 1000,
    end: {
      atMs: index * 1000 + 500,
      exitCode,
      cause,
      reason: `end ${exitCode}`,
    },
  }));
}

const judge = (ends: readonly End[], sinceMs = -1) =>
  judgeAttempts({ attempts: attemptsOf(ends), sinceMs, key: "k" });
const times = (count: number, ...end: End): readonly End[] =>
  Array.from({ length: count }, () => end);

describe("the exit-code contract", () => {
  it.each([
    ["64, usage", [64], "UsageOrData", "fatal"],
    ["65, data", [65], "UsageOrData", "fatal"],
    ["70, a bug", [70], "Bug", "retryable"],
    ["75, temporary", [75], "Temporary", "retryable"],
    ["143, stopped after a checkpoint", [143], "Stopped", "preempted"],
    ["137 without a cause", [137], "Killed", "retryable"],
    ["137 for want of memory", [137, "out-of-memory"], "OutOfMemory", "fatal"],
    ["134 for want of memory", [134, "out-of-memory"], "OutOfMemory", "fatal"],
    [
      "an eviction, whatever the code",
      [137, "evicted"],
      "Evicted",
      "preempted",
    ],
    ["a lost node", [null, "lost"], "Lost", "retryable"],
    [
      "a claim that somebody else holds",
      [75, "claim"],
      "ClaimHeld",
      "preempted",
    ],
    [
      "a stop by the driver",
      [143, "stopped-by-us"],
      "StoppedByDriver",
      "preempted",
    ],
    ["an attempt over its time", [143, "deadline"], "Deadline", "retryable"],
    ["a code that nobody knows", [42], "Bug", "retryable"],
    ["0 without a manifest", [0], "Bug", "retryable"],
    ["no code at all", [null], "Bug", "retryable"],
  ] as const)("%s", (_, [exitCode, cause = null], wantName, wantOutcome) => {
    const rule = ruleFor({ atMs: 0, exitCode, cause, reason: "" });
    expect(rule).toMatchObject({ name: wantName, outcome: wantOutcome });
  });

  it("has names that differ, and a last rule for anything", () => {
    const names = retryRules.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(retryRules.at(-1)?.matches).toBe("anything");
  });
});

describe("judgeAttempts", () => {
  it.each([
    ["nothing was tried", [], "untried"],
    ["bad data, once", [[65]], "failed"],
    ["out of memory, once", [[137, "out-of-memory"]], "failed"],
    ["a bug, twice", times(2, 70), "again"],
    ["a bug, three times", times(3, 70), "failed"],
    ["temporary, seven times", times(7, 75), "again"],
    ["temporary, eight times", times(8, 75), "failed"],
    ["stopped, 49 times", times(49, 143), "again"],
    [
      "stopped, 50 times: even what is not counted has a ceiling",
      times(50, 143),
      "failed",
    ],
    [
      "stopped by the driver, 500 times: people may stop as often as they like",
      times(500, 143, "stopped-by-us"),
      "again",
    ],
    [
      "two bugs among many evictions: each kind has its own count",
      [...times(20, 137, "evicted"), ...times(2, 70)],
      "again",
    ],
    ["over its time, twice", times(2, 143, "deadline"), "failed"],
  ] as const)("%s", (_, ends, wantKind) => {
    expect(judge(ends as readonly End[]).kind).toBe(wantKind);
  });

  it("forgets what ended before somebody asked for a fresh start", () => {
    expect(judge([[65], [65]], 500)).toMatchObject({ kind: "failed" });
    expect(judge([[65], [65]], 1500)).toEqual({ kind: "untried" });
  });

  it("does not look at an attempt that still runs", () => {
    const attempts = [{ number: 1, startedAtMs: 0, end: null }];
    expect(judgeAttempts({ attempts, sinceMs: -1, key: "k" })).toEqual({
      kind: "untried",
    });
  });

  it("says how often, and says that a manifest is missing after exit code 0", () => {
    expect(judge(times(3, 70))).toEqual({
      kind: "failed",
      reason: "end 70 (3 times)",
    });
    expect(judge([[0]])).toMatchObject({
      reason: expect.stringContaining("no manifest is in the store"),
    });
  });
});

describe("the back-off", () => {
  const temporary = ruleFor({ atMs: 0, exitCode: 75, cause: null, reason: "" });

  it("doubles up to its maximum, give or take a quarter", () => {
    for (let count = 1; count <= 12; count++) {
      const full = Math.min(120_000, 1000 * 2 ** (count - 1));
      const waitMs = backoffMs(temporary, count, "k");
      expect(waitMs).toBeGreaterThanOrEqual(full * 0.75);
      expect(waitMs).toBeLessThanOrEqual(full * 1.25);
    }
  });

  it("is the same each time it is asked for, and differs between tasks that failed together", () => {
    expect(backoffMs(temporary, 3, "a")).toBe(backoffMs(temporary, 3, "a"));
    const waits = Array.from({ length: 50 }, (_, i) =>
      backoffMs(temporary, 3, `task ${i}`),
    );
    expect(new Set(waits).size).toBeGreaterThan(40);
  });
});
