import { describe, expect, it } from "vitest";
import {
  createFailurePolicy,
  isJudgedByJob,
} from "../../../src/executor/jobs/failure-policy.ts";
import { retryRules, type RetryRule } from "../../../src/run/retry-policy.ts";

describe("a Job's failure policy", () => {
  it("ignores disruptions first, then stops, fails what cannot end otherwise, and counts the rest", () => {
    expect(createFailurePolicy()).toEqual({
      backoffLimitPerIndex: 7,
      podFailurePolicy: {
        rules: [
          {
            action: "Ignore",
            onPodConditions: [{ type: "DisruptionTarget", status: "True" }],
          },
          {
            action: "Ignore",
            onExitCodes: {
              containerName: "worker",
              operator: "In",
              values: [143],
            },
          },
          {
            action: "FailIndex",
            onExitCodes: {
              containerName: "worker",
              operator: "In",
              values: [64, 65, 134, 137],
            },
          },
        ],
      },
    });
  });

  it("leaves to us what only a cause can tell", () => {
    const ours = (retryRules as readonly RetryRule[]).filter(
      (rule) => !isJudgedByJob(rule),
    );
    expect(ours.map(({ name }) => name)).toEqual([
      "StoppedByDriver",
      "Evicted",
      "ClaimHeld",
      "OutOfMemory",
      "Deadline",
      "Lost",
      "Stopped",
      "Killed",
    ]);
  });
});
