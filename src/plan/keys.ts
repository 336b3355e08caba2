/**
 * Keys (invariant C): a hash of everything that decides a task's result, and of nothing else.
 *
 * What goes in: kind, contract, parameters after defaults without places, the fingerprints of what lies at those
 * places, seed, part, inputs. What stays out: names, places, matrix, resources, checkpoints, time limits.
 * An input of arity `one` counts by its key. An input of arity `all` counts by key, stage and cell of each artifact:
 * a table's bytes depend on what its rows are called, and on their order.
 */
import { createHash } from "node:crypto";
import type {
  Cell,
  JsonObject,
  JsonValue,
  TaskKind,
  TaskPart,
} from "./plan.ts";

export type KeyIngredients = {
  readonly kind: TaskKind;
  readonly contract: number;
  /** Parameters without places, as canonical JSON: the same text serves every task that shares them. */
  readonly paramsJson: string;
  /** Parameter that is a place → identity of what lies there. */
  readonly sources: Readonly<Record<string, string>>;
  readonly seed: number | null;
  readonly part: TaskPart | null;
  readonly inputs: Readonly<Record<string, readonly KeyInput[]>>;
};

/** A key, or `[key, stage, cell]` where the reader's bytes depend on what the artifact is called. */
export type KeyInput = string | readonly [string, string, Cell];

/** 64 hexadecimal digits. */
export function taskKey(ingredients: KeyIngredients): string {
  const { paramsJson, ...rest } = ingredients;
  return sha256(`{"params":${paramsJson},"rest":${canonicalJson(rest)}}`);
}

/** JSON with the keys of every object in the order of their code units, and no blanks: one text per value (RFC 8785). */
export function canonicalJson(value: JsonValue): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value))
    return `[${value.map((item: JsonValue) => canonicalJson(item)).join(",")}]`;
  const object = value as JsonObject;
  const keys = Object.keys(object).sort();
  const entries = keys.map(
    (key) => `${JSON.stringify(key)}:${canonicalJson(object[key] ?? null)}`,
  );
  return `{${entries.join(",")}}`;
}

/** The canonical JSON of a value as UTF-8. */
export function canonicalBytes(value: JsonValue): Uint8Array {
  return new TextEncoder().encode(canonicalJson(value));
}

/** SHA-256 of a text as UTF-8, in hexadecimal. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
