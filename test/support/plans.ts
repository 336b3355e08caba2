/** Plans for tests: tasks by name with the names of their inputs; everything else has a default. */
import { createHash } from "node:crypto";
import type { Plan, Resources, Task } from "../../src/plan/plan.ts";
import { planDigest } from "../../src/plan/serialize.ts";

export type TaskSketch = {
  readonly inputs?: readonly string[];
  readonly stage?: string;
  readonly kind?: Task["kind"];
  readonly params?: Task["params"];
  readonly resources?: Partial<Resources>;
  readonly timeoutMs?: number;
  readonly seed?: number;
  readonly key?: string;
};

export function keyOf(name: string): string {
  return createHash("sha256").update(name).digest("hex");
}

export function buildTask(name: string, sketch: TaskSketch = {}): Task {
  const inputs = sketch.inputs ?? [];
  return {
    name,
    stage: sketch.stage ?? name,
    kind: sketch.kind ?? "shard",
    cell: {},
    params: sketch.params ?? {},
    seed: sketch.seed ?? null,
    inputs: inputs.length > 0 ? { data: inputs } : {},
    part: null,
    resources: { cpu: 1, memoryBytes: 2 ** 28, gpu: 0, ...sketch.resources },
    checkpoint: null,
    timeoutMs: sketch.timeoutMs ?? null,
    key: sketch.key ?? keyOf(name),
  };
}

/** Tasks must stand after their inputs, as in any plan. */
export function buildPlan(
  sketches: Readonly<Record<string, TaskSketch>>,
  pipeline = "test",
): Plan {
  const tasks = Object.entries(sketches).map(([name, sketch]) =>
    buildTask(name, sketch),
  );
  const stages = new Map(
    tasks.map(({ stage, kind }) => [
      stage,
      { name: stage, kind: kind === "catalog" ? ("shard" as const) : kind },
    ]),
  );
  const plan = {
    pipeline,
    description: "",
    params: {},
    stages: [...stages.values()],
    sources: {},
    tasks,
  };
  return { ...plan, digest: planDigest(plan) };
}
