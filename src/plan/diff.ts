/**
 * Why a key changed: two plans of one pipeline, task by task. Compares what goes into a key (invariant C) and names
 * each part that differs; what is no part of a task (contract, content of a source) is named when nothing else differs.
 */
import { declarationOf } from "../spec/stage-kinds.ts";
import { canonicalJson } from "./keys.ts";
import type { JsonObject, JsonValue, Plan, Task } from "./plan.ts";

export type KeyChange = {
  readonly task: string;
  /** One phrase per part of the key that differs, e.g. `batch: 32 → 64`. */
  readonly reasons: readonly string[];
};

/** Tasks of `after` whose artifact no task of `before` made, and why, in the order of `after`. */
export function explainKeys(before: Plan, after: Plan): readonly KeyChange[] {
  const known = new Set(before.tasks.map(({ key }) => key));
  const byName = new Map(before.tasks.map((task) => [task.name, task]));
  const afterKeys = keysByName(after);
  const beforeKeys = keysByName(before);
  return after.tasks.flatMap((task): KeyChange[] => {
    if (known.has(task.key)) return [];
    const old = byName.get(task.name);
    if (old === undefined)
      return [{ task: task.name, reasons: ["a new task"] }];
    const reasons = [
      ...differences(old, task),
      ...inputDifferences(old, task, beforeKeys, afterKeys),
    ];
    return [
      {
        task: task.name,
        reasons: reasons.length > 0 ? reasons : [hiddenReason(task)],
      },
    ];
  });
}

function keysByName(plan: Plan): ReadonlyMap<string, string> {
  return new Map(plan.tasks.map(({ name, key }) => [name, key]));
}

function differences(old: Task, task: Task): string[] {
  const change = (what: string, from: unknown, to: unknown): string[] =>
    from === to ? [] : [`${what}: ${String(from)} → ${String(to)}`];
  const part = ({ part: it }: Task): string =>
    it === null ? "none" : `${it.index} of ${it.count}`;
  return [
    ...change("kind", old.kind, task.kind),
    ...change("seed", old.seed, task.seed),
    ...change("part", part(old), part(task)),
    ...paramDifferences(keyParams(old), keyParams(task), ""),
  ];
}

/** Places are no part of a key: moving a source changes nothing. */
function keyParams({ kind, params }: Task): JsonObject {
  const { places } = declarationOf(kind === "catalog" ? "shard" : kind);
  return Object.fromEntries(
    Object.entries(params).filter(([param]) => !Object.hasOwn(places, param)),
  );
}

function paramDifferences(
  from: JsonObject,
  to: JsonObject,
  prefix: string,
): string[] {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  return names.flatMap((name) => {
    const [old, now] = [from[name], to[name]];
    if (isObject(old) && isObject(now))
      return paramDifferences(old, now, `${prefix}${name}.`);
    const [oldText, nowText] = [describe(old), describe(now)];
    return oldText === nowText
      ? []
      : [`${prefix}${name}: ${oldText} → ${nowText}`];
  });
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function describe(value: JsonValue | undefined): string {
  return value === undefined ? "(none)" : canonicalJson(value);
}

/** Inputs of one task that changed, by the name of the task that made them. */
function inputDifferences(
  old: Task,
  task: Task,
  beforeKeys: ReadonlyMap<string, string>,
  afterKeys: ReadonlyMap<string, string>,
): string[] {
  return Object.entries(task.inputs).flatMap(([input, names]) => {
    const oldNames = old.inputs[input] ?? [];
    const oldKeys = new Set(oldNames.map((name) => beforeKeys.get(name)));
    const changed = names.filter((name) => !oldKeys.has(afterKeys.get(name)));
    const gone = oldNames.length - (names.length - changed.length);
    if (changed.length === 0 && gone <= 0) return [];
    if (names.length === 1 && oldNames.length === 1)
      return [`input ${input}: ${names[0]} changed`];
    return [
      `input ${input}: ${changed.length} of ${names.length} are other artifacts (before: ${oldNames.length})`,
    ];
  });
}

/** What differs when nothing that a plan shows does. */
function hiddenReason({ kind, params }: Task): string {
  const declaration = declarationOf(kind === "catalog" ? "shard" : kind);
  const places = Object.keys(declaration.places).filter(
    (param) => params[param] !== undefined,
  );
  return places.length > 0
    ? `the content of ${places.join(", ")}, or the contract of '${kind}'`
    : `the contract of '${kind}', or the names of its inputs' cells`;
}
