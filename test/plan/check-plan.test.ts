import { expect, test } from "vitest";
import { findPlanProblem } from "../../src/plan/check-plan.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { planFromJson, planToJson } from "../../src/plan/serialize.ts";
import { buildPlan } from "../support/plans.ts";

const sound = buildPlan({ photos: { kind: "shard" }, first: {} });

/** The plan with the first task's fields replaced, as a forger would. */
function forge(fields: Readonly<Record<string, unknown>>): Plan {
  const tasks = sound.tasks.map((task, i) =>
    i === 0 ? { ...task, ...fields } : task,
  );
  return { ...sound, tasks };
}

test("a plan that was made and read back has no problem", () => {
  expect(findPlanProblem(planFromJson(planToJson(sound)))).toBeNull();
});

test.each([
  { name: null },
  { key: 7 },
  { kind: "constructor" },
  { seed: "1" },
  { params: null },
  { cell: [] },
  { inputs: { data: "photos" } },
  { inputs: { data: [null] } },
  { part: { index: -1, count: 2 } },
  { timeoutMs: "soon" },
  { resources: null },
])("a task with %o is named", (fields) => {
  expect(findPlanProblem(forge(fields))).toBe("its task 0 is not a task");
});

test("stages of no kind, and a plan without a name, are problems", () => {
  const stages = [{ name: "photos", kind: "toString" }] as never;
  expect(findPlanProblem({ ...sound, stages })).toMatch(/stages/);
  expect(findPlanProblem({ ...sound, pipeline: 1 as never })).toMatch(/name/);
});
