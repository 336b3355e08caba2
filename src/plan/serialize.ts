/**
 * Plans as JSON: stable bytes, one task per line, compact for a hundred thousand tasks. What many tasks share
 * (parameters, resources) stands in tables and is referred to by index; inputs are indexes of tasks.
 *
 * The digest is the SHA-256 of exactly these bytes without the digest itself, so reading verifies what was read.
 */
import { createHash } from "node:crypto";
import { UserError } from "../base/errors.ts";
import type { StageKind } from "../spec/stage-kinds.ts";
import { canonicalJson } from "./keys.ts";
import type {
  Cell,
  JsonObject,
  Plan,
  Resources,
  Task,
  TaskKind,
} from "./plan.ts";

const VERSION = 1;

type Unsealed = Omit<Plan, "digest">;

/** SHA-256 of the plan's bytes, in hexadecimal. */
export function planDigest(plan: Unsealed): string {
  const hash = createHash("sha256");
  for (const piece of piecesOf(plan)) hash.update(piece);
  return hash.digest("hex");
}

/** The plan as JSON text. */
export function planToJson(plan: Plan): string {
  return [...piecesOf(plan), `,"digest":"${plan.digest}"}\n`].join("");
}

/** A task as it stands in the file: index of its stage, its kind, its name, … */
type TaskRow = readonly [
  name: string,
  stage: number,
  kind: TaskKind,
  cell: Cell,
  params: number,
  seed: number | null,
  inputs: Readonly<Record<string, readonly number[]>>,
  part: Task["part"],
  resources: number,
  checkpoint: Task["checkpoint"],
  timeoutMs: number | null,
  key: string,
];

/** The text without its end, in pieces: a plan of 100,000 tasks is never one string while it is hashed. */
function* piecesOf(plan: Unsealed): Generator<string> {
  const { pipeline, description, params, stages, sources, tasks } = plan;
  const head = canonicalJson({
    pipeline,
    description,
    params,
    stages,
    sources,
  });
  yield `{"version":${VERSION},"plan":${head},\n"tasks":[`;
  const paramSets = createTable<JsonObject>();
  const resourceSets = createTable<Resources>();
  const stageIndexes = new Map(stages.map(({ name }, i) => [name, i]));
  const taskIndexes = new Map(tasks.map(({ name }, i) => [name, i]));
  for (const [i, task] of tasks.entries()) {
    const inputs = Object.fromEntries(
      Object.entries(task.inputs).map(([input, names]) => [
        input,
        names.map((name) => taskIndexes.get(name) ?? -1),
      ]),
    );
    const row: TaskRow = [
      task.name,
      stageIndexes.get(task.stage) ?? -1,
      task.kind,
      task.cell,
      paramSets.indexOf(task.params),
      task.seed,
      inputs,
      task.part,
      resourceSets.indexOf(task.resources),
      task.checkpoint,
      task.timeoutMs,
      task.key,
    ];
    yield `${i === 0 ? "" : ","}\n${JSON.stringify(row)}`;
  }
  yield `\n],\n"resources":[${resourceSets.texts.join(",\n")}]`;
  yield `,\n"params":[`;
  for (const [i, text] of paramSets.texts.entries())
    yield `${i === 0 ? "" : ","}\n${text}`;
  yield "\n]";
}

type Table<T> = {
  readonly texts: readonly string[];
  indexOf(value: T): number;
};

/** Numbers values in the order of their first use: by identity first, since most are shared, then by their text. */
function createTable<T extends JsonObject>(): Table<T> {
  const byIdentity = new Map<T, number>();
  const byText = new Map<string, number>();
  const texts: string[] = [];
  return {
    texts,
    indexOf(value) {
      const known = byIdentity.get(value);
      if (known !== undefined) return known;
      const text = canonicalJson(value);
      const index = byText.get(text) ?? texts.push(text) - 1;
      byText.set(text, index);
      byIdentity.set(value, index);
      return index;
    },
  };
}

type PlanFile = {
  readonly version: number;
  readonly plan: Omit<Plan, "tasks" | "digest" | "sources"> & {
    /** Plans of an earlier program have none. */
    readonly sources?: Plan["sources"];
    readonly stages: readonly {
      readonly name: string;
      readonly kind: StageKind;
    }[];
  };
  readonly tasks: readonly TaskRow[];
  readonly resources: readonly Resources[];
  readonly params: readonly JsonObject[];
  readonly digest: string;
};

/** The plan that `planToJson` wrote. Bytes that do not have the digest they claim are refused. */
export function planFromJson(text: string): Plan {
  const end = text.lastIndexOf(`,"digest":"`);
  const digest = /^,"digest":"([0-9a-f]{64})"\}\n$/.exec(text.slice(end))?.[1];
  const body = text.slice(0, Math.max(0, end));
  const found = createHash("sha256").update(body).digest("hex");
  if (digest === undefined || digest !== found)
    throw new UserError({
      code: "plan.corrupt",
      message: `expected a plan with the digest that it carries (${digest ?? "none"}), found ${found}`,
      hint: "make the plan again from the pipeline file",
    });
  // The bytes are those that `planToJson` made: their shape needs no second check, but their version does.
  const file = JSON.parse(text) as PlanFile;
  if (file.version !== VERSION)
    throw new UserError({
      code: "plan.version",
      message: `expected a plan of version ${VERSION}, found ${file.version}`,
      hint: "make the plan again from the pipeline file",
    });
  const tasks = file.tasks.map((row) => toTask(row, file));
  const { sources = {} } = file.plan;
  return Object.freeze({ ...file.plan, sources, tasks, digest });
}

function toTask(row: TaskRow, file: PlanFile): Task {
  const [name, stage, kind, cell, params, seed, inputs, part] = row;
  const [, , , , , , , , resources, checkpoint, timeoutMs, key] = row;
  return Object.freeze({
    name,
    stage: file.plan.stages[stage]?.name ?? "",
    kind,
    cell,
    params: file.params[params] ?? {},
    seed,
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([input, indexes]) => [
        input,
        indexes.map((index) => file.tasks[index]?.[0] ?? ""),
      ]),
    ),
    part,
    resources: file.resources[resources] as Resources,
    checkpoint,
    timeoutMs,
    key,
  });
}
