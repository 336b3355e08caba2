import { describe, expect, it } from "vitest";
import {
  createReceipt,
  findPeakGpus,
} from "../../../src/controller/runs/receipt.ts";
import type { TaskState } from "../../../src/run/task-state.ts";
import { commitManifest } from "../../../src/store/artifacts/manifest.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { buildManifest } from "../../support/manifests.ts";
import { buildPlan, keyOf } from "../../support/plans.ts";

const gpu = { resources: { gpu: 2 } };
const plan = buildPlan({
  photos: {},
  first: { kind: "pretrain", inputs: ["photos"], ...gpu },
  second: { kind: "pretrain", inputs: ["photos"], ...gpu },
  third: { kind: "pretrain", inputs: ["second"], ...gpu },
});
const done: TaskState = { phase: "Succeeded", cached: true };
const waits: TaskState = { phase: "Pending", wait: { for: "capacity" } };
const claimed: TaskState = {
  phase: "Pending",
  wait: { for: "claim", heldBy: "run other" },
};

describe("createReceipt", () => {
  it("counts what is cached and what others compute, and tells hours by what the same kind took", async () => {
    const store = createMemoryStore();
    const hour = { ...buildManifest({ key: "" }).timing, wallMs: 3_600_000 };
    await commitManifest(
      store,
      buildManifest({ key: keyOf("first"), timing: hour }),
    );
    const states = [done, done, claimed, waits];
    expect(await createReceipt({ store, plan, states, quota: "fits" })).toEqual(
      {
        digest: plan.digest,
        tasks: 4,
        cached: 2,
        shared: 1,
        peakGpus: 2,
        // Two tasks of two GPUs for an hour.
        gpuHours: "4.0",
        quota: "fits",
      },
    );
  });

  it("claims no hours of a kind that nothing is known of", async () => {
    const states = [done, waits, waits, waits];
    const store = createMemoryStore();
    const receipt = await createReceipt({ store, plan, states, quota: null });
    expect(receipt).not.toHaveProperty("gpuHours");
    expect(receipt).not.toHaveProperty("quota");
    expect(receipt.peakGpus).toBe(4);
  });
});

describe("findPeakGpus", () => {
  it("adds what can run beside each other, and not what comes after", () => {
    expect(findPeakGpus(plan, new Set(plan.tasks))).toBe(4);
    expect(findPeakGpus(plan, new Set(plan.tasks.slice(3)))).toBe(2);
  });
});
