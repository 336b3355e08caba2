import { describe, expect, it } from "vitest";
import {
  toAttemptEnd,
  type ProcessEnd,
  type StopRequest,
} from "../../../src/executor/local/end-of-attempt.ts";

const calm: ProcessEnd = {
  exitCode: 0,
  signal: null,
  spawnError: null,
  lastError: null,
  tail: [],
  peakBytes: null,
  oomKill: null,
};
const resources = { cpu: 1, memoryBytes: 2 ** 30, gpu: 0 };
const deadline: StopRequest = { cause: "deadline", reason: "over its time" };
const explain = (end: Partial<ProcessEnd>, stop: StopRequest | null = null) =>
  toAttemptEnd({ end: { ...calm, ...end }, stop, resources, atMs: 5 });

describe("the end of an attempt", () => {
  it.each([
    ["well", {}, null, { exitCode: 0, cause: null, reason: "" }],
    [
      "well although it was told to stop: it was done already",
      {},
      deadline,
      { exitCode: 0, cause: null },
    ],
    [
      "by its own error, whose hint is kept",
      {
        exitCode: 65,
        lastError: {
          code: "data.none",
          message: "no images",
          hint: "add some",
        },
      },
      null,
      { exitCode: 65, cause: null, reason: "no images; add some" },
    ],
    [
      "by a lost claim",
      {
        exitCode: 75,
        lastError: { code: "claim.lost", message: "taken over", hint: null },
      },
      null,
      { exitCode: 75, cause: "claim", reason: "taken over" },
    ],
    [
      "by the deadline that it was stopped for",
      { exitCode: 143 },
      deadline,
      { exitCode: 143, cause: "deadline", reason: "over its time" },
    ],
    [
      "by SIGKILL after its grace: still the deadline",
      { exitCode: null, signal: "SIGKILL", oomKill: true },
      deadline,
      { exitCode: 137, cause: "deadline" },
    ],
    [
      "by the kernel for memory",
      { exitCode: null, signal: "SIGKILL", oomKill: true, peakBytes: 2 ** 30 },
      null,
      { exitCode: 137, cause: "out-of-memory" },
    ],
    [
      "by SIGKILL from who knows whom",
      { exitCode: null, signal: "SIGKILL", oomKill: false, peakBytes: 2 ** 29 },
      null,
      {
        exitCode: 137,
        cause: null,
        reason:
          "killed by SIGKILL; if nobody killed it, it ran out of memory (declared 1.0 GiB, peak seen 0.5 GiB); declare more under 'resources.memory' of the stage, or as its 'resources.memoryMax', or make its batches smaller",
      },
    ],
    [
      "by an exhausted JavaScript heap",
      {
        exitCode: null,
        signal: "SIGABRT",
        tail: [
          "FATAL ERROR: Reached heap limit - JavaScript heap out of memory",
        ],
      },
      null,
      { exitCode: 134, cause: "out-of-memory" },
    ],
    [
      "by a crash in native code, with its last words",
      { exitCode: null, signal: "SIGSEGV", tail: ["Check failed: x > 0"] },
      null,
      {
        exitCode: 139,
        cause: null,
        reason: "ended by SIGSEGV; its last words: Check failed: x > 0",
      },
    ],
    [
      "by an exit code without a word",
      { exitCode: 3 },
      null,
      { exitCode: 3, reason: "ended with exit code 3 without a word" },
    ],
    [
      "before it began",
      { exitCode: null, spawnError: "spawn node EAGAIN" },
      null,
      {
        exitCode: null,
        reason: "the worker process could not be started: spawn node EAGAIN",
      },
    ],
  ] as const)("came %s", (_, end, stop, want) => {
    expect(explain(end, stop)).toMatchObject({ atMs: 5, ...want });
  });
});
