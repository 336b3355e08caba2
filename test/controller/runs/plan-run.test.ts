import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  planRun,
  type PlanRunOptions,
} from "../../../src/controller/runs/plan-run.ts";
import type { RunSpec } from "../../../src/resources/run-resource.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { createRun } from "../../../src/store/runs/run-records.ts";
import { smallPipeline } from "../../support/controller-world.ts";
import { buildRun } from "../../support/run-objects.ts";

const bytes = new TextEncoder().encode(smallPipeline);
const sha256 = createHash("sha256").update(bytes).digest("hex");

function arrange(spec: Partial<RunSpec>) {
  const store = createMemoryStore();
  const { pipeline: _, ...rest } = buildRun().spec;
  const run = { ...buildRun(), spec: { ...rest, ...spec } };
  let release = 1;
  const options: PlanRunOptions = {
    store,
    storeRun: "tiny-0a1b2c3d",
    readWhole: async (whole) => whole,
    fingerprint: async ({ place }) => `${place}@${release}`,
  };
  return {
    store,
    plan: () => planRun(run, options),
    options,
    change: () => {
      release++;
    },
  };
}

describe("planRun", () => {
  it("keeps the plan that was recorded, whatever lies at the sources by now", async () => {
    const { store, plan, change, options } = arrange({
      pipeline: smallPipeline,
    });
    const first = await plan();
    await createRun(store, { run: options.storeRun, ...first });
    change();
    const second = await plan();
    expect(second.plan.digest).toBe(first.plan.digest);
    expect(second.pipelineText).toBe(smallPipeline);
  });

  it("takes a large pipeline from the store, if it is the one that was submitted", async () => {
    const good = arrange({ pipelineFrom: { path: "up/a.yaml", sha256 } });
    await good.store.put("up/a.yaml", bytes);
    expect((await good.plan()).plan.tasks).toHaveLength(6);
    await good.store.put("up/a.yaml", new Uint8Array([1]));
    await expect(good.plan()).rejects.toThrow(`have the SHA-256 ${sha256}`);
    const absent = arrange({ pipelineFrom: { path: "up/b.yaml", sha256 } });
    await expect(absent.plan()).rejects.toThrow("found nothing");
  });

  it("applies params, and refuses those that there are none of", async () => {
    const pipeline = smallPipeline
      .replace("seeds:", "params: { steps: 10 }\nseeds:")
      .replace("steps: 10\n", 'steps: "${params.steps}"\n');
    const { plan } = arrange({ pipeline, params: { steps: "20" } });
    expect((await plan()).plan.params).toEqual({ steps: 20 });
    const wrong = arrange({ pipeline, params: { stepz: "20" } });
    await expect(wrong.plan()).rejects.toThrow("stepz");
  });

  it("says the first mistakes and counts the others", async () => {
    const stages = Array.from({ length: 8 }, (_, i) => `  s${i}: {}`);
    const { plan } = arrange({
      pipeline: `name: x\nstages:\n${stages.join("\n")}\n`,
    });
    await expect(plan()).rejects.toThrow(/8 mistakes: 3:.*; and 3 more/);
  });
});
