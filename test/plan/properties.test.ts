/** What holds for every plan, whatever the pipeline. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Plan, Task } from "../../src/plan/plan.ts";
import { planFromJson, planToJson } from "../../src/plan/serialize.ts";
import {
  randomPipeline,
  type RandomPipeline,
} from "../support/random-pipelines.ts";
import { planOf } from "../support/specs.ts";

const RUNS = { numRuns: 30 };

function planOfValue(pipeline: RandomPipeline): Plan {
  return planOf(JSON.stringify(pipeline));
}

/** Tasks whose key depends on what their inputs are called: reports. */
function readsNames({ kind }: Task): boolean {
  return kind === "report";
}

function sortedKeys(tasks: readonly Task[]): string[] {
  return tasks.map(({ key }) => key).sort();
}

/** The same value with the keys of every map in another order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}

/** Names of a task's inputs. */
function inputsOf(task: Task): string[] {
  return Object.values(task.inputs).flat();
}

describe("every plan", () => {
  it("has unique names that are DNS labels of at most 63 characters", () => {
    fc.assert(
      fc.property(randomPipeline, (pipeline) => {
        const names = planOfValue(pipeline).tasks.map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        for (const name of names)
          expect(name).toMatch(/^(?=.{1,63}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
      }),
      RUNS,
    );
  });

  it("has every task after its inputs, and so no cycle", () => {
    fc.assert(
      fc.property(randomPipeline, (pipeline) => {
        const seen = new Set<string>();
        for (const task of planOfValue(pipeline).tasks) {
          for (const input of inputsOf(task)) expect(seen).toContain(input);
          seen.add(task.name);
        }
      }),
      RUNS,
    );
  });

  it("is the same bytes for the same text, also after reading them back", () => {
    fc.assert(
      fc.property(randomPipeline, (pipeline) => {
        const json = planToJson(planOfValue(pipeline));
        expect(planToJson(planOfValue(pipeline))).toBe(json);
        expect(planToJson(planFromJson(json))).toBe(json);
      }),
      RUNS,
    );
  });

  it("has parameters whose JSON is the same before and after it was written and read", () => {
    const params = ({ tasks }: Plan) =>
      JSON.stringify(tasks.map((task) => task.params));
    fc.assert(
      fc.property(randomPipeline, (pipeline) => {
        const plan = planOfValue(pipeline);
        expect(params(planFromJson(planToJson(plan)))).toBe(params(plan));
      }),
      RUNS,
    );
  });

  it("reads for each task only cells that agree with its own on every shared axis", () => {
    fc.assert(
      fc.property(randomPipeline, (pipeline) => {
        const plan = planOfValue(pipeline);
        const byName = new Map(plan.tasks.map((task) => [task.name, task]));
        for (const task of plan.tasks.filter((each) => !readsNames(each)))
          for (const input of inputsOf(task))
            expect(task.cell).toMatchObject(byName.get(input)?.cell ?? {});
      }),
      RUNS,
    );
  });
});

describe("every key", () => {
  it("is the same whatever the order of the keys of the file's maps", () => {
    fc.assert(
      fc.property(randomPipeline, (pipeline) => {
        const plan = planOfValue(pipeline);
        const other = planOfValue(reversed(pipeline) as RandomPipeline);
        const isComputed = (task: Task) => !readsNames(task);
        expect(sortedKeys(other.tasks.filter(isComputed))).toEqual(
          sortedKeys(plan.tasks.filter(isComputed)),
        );
      }),
      RUNS,
    );
  });

  it("is the same whatever stages and axis values are called", () => {
    fc.assert(
      fc.property(randomPipeline, (pipeline) => {
        const renamed = JSON.parse(
          JSON.stringify(pipeline)
            .replaceAll(/"pretrain-(\d)"/g, '"proxy-$1"')
            .replaceAll('"scratch"', '"from-nothing"')
            .replaceAll('"regression"', '"lab"'),
        ) as RandomPipeline;
        const isComputed = (task: Task) => !readsNames(task);
        expect(
          sortedKeys(planOfValue(renamed).tasks.filter(isComputed)),
        ).toEqual(sortedKeys(planOfValue(pipeline).tasks.filter(isComputed)));
      }),
      RUNS,
    );
  });

  it("changes with a parameter for exactly the tasks of that stage and those behind it", () => {
    fc.assert(
      fc.property(randomPipeline, (pipeline) => {
        const changed = structuredClone(pipeline);
        const stage = changed.stages["pretrain-0"];
        if (stage !== undefined) stage.with["steps"] = 1000;
        const before = planOfValue(pipeline);
        const after = planOfValue(changed);
        const affected = new Set<string>();
        for (const task of after.tasks)
          if (
            task.stage === "pretrain-0" ||
            inputsOf(task).some((input) => affected.has(input))
          )
            affected.add(task.name);
        const keyBefore = new Map(before.tasks.map((t) => [t.name, t.key]));
        const differing = after.tasks
          .filter(({ name, key }) => keyBefore.get(name) !== key)
          .map(({ name }) => name);
        expect(differing).toEqual([...affected]);
      }),
      RUNS,
    );
  });
});
