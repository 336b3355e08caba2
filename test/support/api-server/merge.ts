/** JSON merge patch (RFC 7386), and lists whose entries have names, as server-side apply merges them. */
import { isDeepStrictEqual } from "node:util";
import { isRecord } from "./objects.ts";

type Json = unknown;
type Fields = Readonly<Record<string, Json>>;

export function mergePatch(target: Json, patch: Json): Json {
  if (!isRecord(patch)) return patch;
  const merged: Record<string, Json> = isRecord(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch))
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  return merged;
}

/** Of lists that server-side apply merges entry by entry: the field that names an entry. Other lists are one value. */
const entryNames: Readonly<Record<string, string>> = {
  containers: "name",
  initContainers: "name",
  volumes: "name",
  env: "name",
  volumeMounts: "mountPath",
  ports: "containerPort",
  imagePullSecrets: "name",
  conditions: "type",
  ownerReferences: "uid",
};

/** Steps to a field: `f:name` in an object, `k:{"name":"main"}` in a list, as in `managedFields`. */
export type FieldPath = string;
const separator = "\u0000";

/** All values that are no objects, by their paths. */
export function leavesOf(
  value: Json,
  path: readonly string[] = [],
): Map<FieldPath, Json> {
  const entries = entriesOf(value, path.at(-1));
  if (entries === null || (entries.length === 0 && path.length > 0))
    return new Map([[path.join(separator), value]]);
  return new Map(
    entries.flatMap(([step, inner]) => [...leavesOf(inner, [...path, step])]),
  );
}

/** Null: a value that is not looked into. */
function entriesOf(
  value: Json,
  lastStep: string | undefined,
): [string, Json][] | null {
  if (isRecord(value))
    return Object.entries(value).map(([name, inner]) => [`f:${name}`, inner]);
  const by = entryNames[lastStep?.slice(2) ?? ""];
  if (!Array.isArray(value) || by === undefined) return null;
  return value.map((entry: Json) => [stepOf(entry, by), entry]);
}

function stepOf(entry: Json, by: string): string {
  return `k:${JSON.stringify({ [by]: isRecord(entry) ? entry[by] : entry })}`;
}

/** Puts the fields of `config` into `target`; the rest of it stays. */
export function mergeApplied(target: Json, config: Json, field = ""): Json {
  if (isRecord(config)) {
    const merged: Record<string, Json> = isRecord(target) ? { ...target } : {};
    for (const [name, value] of Object.entries(config))
      merged[name] = mergeApplied(merged[name], value, name);
    return merged;
  }
  const by = entryNames[field];
  if (!Array.isArray(config) || by === undefined) return config;
  const old: Json[] = Array.isArray(target) ? target : [];
  const merged = old.map((entry) => {
    const change = config.find((one) => stepOf(one, by) === stepOf(entry, by));
    return change === undefined ? entry : mergeApplied(entry, change);
  });
  const isNew = (entry: Json) =>
    !old.some((one) => stepOf(one, by) === stepOf(entry, by));
  return [...merged, ...config.filter(isNew)];
}

/** Without the field at `path`, and without the objects and entries that it leaves empty. */
export function without(value: Json, path: FieldPath): Json {
  const [step = "", ...rest] = path.split(separator);
  const inner = rest.join(separator);
  if (step.startsWith("k:") && Array.isArray(value)) {
    const by = Object.keys(JSON.parse(step.slice(2)) as Fields)[0] ?? "";
    return value.flatMap((entry: Json) => {
      if (stepOf(entry, by) !== step) return [entry];
      // An entry goes when its name is no longer applied.
      return inner === `f:${by}` || inner === "" ? [] : [without(entry, inner)];
    });
  }
  if (!isRecord(value)) return value;
  const { [step.slice(2)]: old, ...others } = value;
  if (inner === "" || old === undefined) return others;
  const left = without(old, inner);
  const isEmpty = isDeepStrictEqual(left, {}) || isDeepStrictEqual(left, []);
  return isEmpty ? others : { ...others, [step.slice(2)]: left };
}

/** `managedFields[].fieldsV1` of paths. */
export function toFieldsV1(paths: Iterable<FieldPath>): object {
  const nested = (path: FieldPath): Json =>
    path
      .split(separator)
      .reduceRight<Json>((inner, step) => ({ [step]: inner }), {});
  return [...paths]
    .map(nested)
    .reduce<object>((all, one) => mergePatch(all, one) as object, {});
}
