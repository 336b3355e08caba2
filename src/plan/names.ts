/**
 * Names of tasks: DNS labels (RFC 1123) of at most 63 characters, unique in the plan, the same in every plan.
 *
 * A name is the stage and its axis values, the seed last. Numbers and booleans carry their axis: `labels-10`.
 * Where that is too long, or two tasks would share it, a hash of stage and cell is appended to each of them: a
 * name depends on the task and on those that look like it, never on its place in the plan.
 */
import { canonicalJson, sha256 } from "./keys.ts";
import type { Cell, CellValue, TaskPart } from "./plan.ts";

export type NameIngredients = {
  readonly stage: string;
  readonly cell: Cell;
  readonly part: TaskPart | null;
};

const MAX_NAME = 63;
/** A million names of one beginning collide with a chance of two in a thousand; then planning says so. */
const HASH_DIGITS = 12;

/** One name per task, in their order. */
export function nameTasks(tasks: readonly NameIngredients[]): string[] {
  const plain = tasks.map(plainName);
  const uses = new Map<string, number>();
  for (const name of plain) uses.set(name, (uses.get(name) ?? 0) + 1);
  const names = tasks.map((task, i) => {
    const name = plain[i] ?? "";
    return name.length <= MAX_NAME && uses.get(name) === 1
      ? name
      : hashedName(name, task);
  });
  if (new Set(names).size !== names.length)
    throw new Error("two tasks have the same name, hash included");
  return names;
}

function plainName({ stage, cell, part }: NameIngredients): string {
  const words = [stage];
  for (const axis in cell)
    if (axis !== "seed") words.push(wordOf(axis, cell[axis]));
  if (cell["seed"] !== undefined) words.push(wordOf("seed", cell["seed"]));
  if (part !== null) words.push(`${part.index}-of-${part.count}`);
  return words.filter((word) => word !== "").join("-");
}

function wordOf(axis: string, value: CellValue | undefined): string {
  return slug(typeof value === "string" ? value : `${axis}-${String(value)}`);
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
}

function hashedName(name: string, task: NameIngredients): string {
  const { stage, cell, part } = task;
  const hash = sha256(canonicalJson([stage, cell, part])).slice(0, HASH_DIGITS);
  const kept = name.slice(0, MAX_NAME - HASH_DIGITS - 1).replace(/-+$/, "");
  return `${kept}-${hash}`;
}
