import { describe, expect, it } from "vitest";
import type { PodStatus } from "../../../src/executor/jobs/job.ts";
import { toPodEnd } from "../../../src/executor/jobs/pod-end.ts";
import { buildPod, containerIn, endedPod } from "../../support/jobs.ts";

const GiB = 2 ** 30;
const endOf = (status: PodStatus) =>
  toPodEnd(buildPod(0, status), { cpu: 1, memoryBytes: 4 * GiB, gpu: 0 }, 7);
const line = (fields: object): string => `${JSON.stringify(fields)}\n`;
const disruption = (reason: string, message: string) => ({
  conditions: [{ type: "DisruptionTarget", status: "True", reason, message }],
});

describe("the end of a pod", () => {
  it("is none while it runs or waits", () => {
    expect(endOf({ phase: "Running" })).toBeNull();
    expect(endOf({ phase: "Pending" })).toBeNull();
    expect(endOf({})).toBeNull();
  });

  it("is when its container says, or now", () => {
    expect(endOf(endedPod(0))).toEqual({
      atMs: Date.parse("2026-01-01T00:10:00Z"),
      exitCode: 0,
      cause: null,
      reason: "",
    });
    expect(
      endOf({ phase: "Failed", reason: "UnexpectedAdmissionError" })?.atMs,
    ).toBe(7);
  });

  it.each([
    [
      "the worker's error with its hint",
      endedPod(65, {
        message: `Node says hello\n${line({ level: "error", code: "data.empty", msg: "no photographs", hint: "add some" })}`,
      }),
      { exitCode: 65, cause: null, reason: "no photographs; add some" },
    ],
    [
      "an error whose line was cut at its beginning",
      endedPod(70, {
        message: `at f (x.js:1)","msg":"TypeError: \\"x\\" is gone"}\n`,
      }),
      { exitCode: 70, cause: null, reason: 'TypeError: "x" is gone' },
    ],
    [
      "the last words of a library",
      endedPod(139, { message: "one\ntwo\nSegmentation fault\n" }),
      {
        exitCode: 139,
        reason:
          "ended with exit code 139; its last words: one | two | Segmentation fault",
      },
    ],
    [
      "nothing",
      endedPod(1),
      { exitCode: 1, reason: "ended with exit code 1 without a word" },
    ],
    [
      "memory, with what it had",
      endedPod(137, { reason: "OOMKilled" }),
      {
        exitCode: 137,
        cause: "out-of-memory",
        reason: expect.stringContaining("out of memory (declared 4.0 GiB)"),
      },
    ],
    [
      "a full heap of V8",
      endedPod(134, {
        message:
          "FATAL ERROR: Reached heap limit: JavaScript heap out of memory",
      }),
      { exitCode: 134, cause: "out-of-memory" },
    ],
    [
      "its own time limit",
      endedPod(65, {
        message: line({
          level: "error",
          code: "worker.deadline",
          msg: "over its time limit of 60 s",
          hint: "raise 'timeout' of the stage",
        }),
      }),
      {
        cause: "deadline",
        reason: "over its time limit of 60 s; raise 'timeout' of the stage",
      },
    ],
    [
      "the kubelet's time limit",
      endedPod(143, { pod: { reason: "DeadlineExceeded" } }),
      { cause: "deadline" },
    ],
    [
      "an eviction, whatever the exit code",
      endedPod(143, {
        pod: disruption("EvictionByEvictionAPI", "Eviction API: evicting"),
      }),
      {
        cause: "evicted",
        reason:
          "its pod was taken from node node-1 (EvictionByEvictionAPI): Eviction API: evicting",
      },
    ],
    [
      "a full disk of the node",
      endedPod(137, {
        pod: {
          reason: "Evicted",
          message: "The node was low on resource: ephemeral-storage.",
        },
      }),
      { cause: "evicted", reason: expect.stringContaining("low on resource") },
    ],
    [
      "a node that is gone",
      endedPod(137, {
        pod: disruption("DeletionByTaintManager", "Taint manager: deleting"),
      }),
      { cause: "lost" },
    ],
    [
      "a node that refused it",
      {
        phase: "Failed",
        reason: "OutOfcpu",
        message: "Node didn't have enough resource: cpu",
      } as const,
      { exitCode: null, cause: "evicted" },
    ],
    [
      "somebody else's claim",
      endedPod(75, {
        message: line({
          level: "error",
          code: "claim.held",
          msg: "run x computes it",
          hint: null,
        }),
      }),
      { exitCode: 75, cause: "claim", reason: "run x computes it" },
    ],
    [
      "something else beside a worker that ended well",
      {
        phase: "Failed",
        ...containerIn({ terminated: { exitCode: 0, reason: "Completed" } }),
      } as const,
      { exitCode: 0 },
    ],
  ] as const)("tells %s", (_, status, want) => {
    expect(endOf(status)).toMatchObject(want);
  });
});
