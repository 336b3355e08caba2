import { describe, expect, it } from "vitest";
import { planFromJson, planToJson } from "../../src/plan/serialize.ts";
import { describeTask } from "../../src/plan/task-description.ts";
import { planOf } from "../support/specs.ts";

const text = `
name: two-sources
stages:
  photos: { kind: shard, with: { source: ./photos, format: image-folder } }
  others: { kind: shard, with: { source: ./others, format: image-folder } }
  start: { kind: initialize, inputs: { data: photos }, with: { model: conv6, method: random } }
`;

describe("the description of a task", () => {
  it("tells the worker what lay at its own source when the run was planned, also from a plan that was stored", () => {
    const plan = planFromJson(planToJson(planOf(text)));
    const byName = new Map(plan.tasks.map((task) => [task.name, task]));
    const sources = Object.fromEntries(
      plan.tasks.map((task) => [
        task.name,
        describeTask({ plan, byName, run: "r", task }).sources,
      ]),
    );
    expect(sources["photos"]).toEqual({
      "./photos": "./photos@1",
    });
    expect(sources["start-seed-0"]).toEqual({});
  });
});
