import { describe, expect, test } from "vitest";
import { whyPending } from "../../../src/executor/jobs/why-pending.ts";
import { buildJob, buildPod } from "../../support/jobs.ts";

describe("why a pod waits", () => {
  test.each([
    [
      "what is missing on the nodes, without what the scheduler tried besides",
      "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient example.com/gpu. no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
      "no node: 0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient example.com/gpu",
    ],
    [
      "a message of another kind whole",
      "waiting for ephemeral volume controller to create the claim",
      "no node: waiting for ephemeral volume controller to create the claim",
    ],
  ])("says %s", (_, message, want) => {
    const pod = buildPod(0, {
      phase: "Pending",
      conditions: [
        {
          type: "PodScheduled",
          status: "False",
          reason: "Unschedulable",
          message,
        },
      ],
    });
    expect(
      whyPending({
        job: buildJob(["train"]),
        pod,
        workload: null,
        failedCreate: null,
        active: 0,
      }),
    ).toBe(want);
  });
});
