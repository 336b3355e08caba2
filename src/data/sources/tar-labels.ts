/**
 * Classes of images in archives: read from members beside them, and numbered. A number that a label has stays its number
 * if every label has one; else classes are numbered in the order of their names' code units.
 */
import { byCodeUnit } from "../places/left-out.ts";

export type TarLabel = {
  readonly name: string;
  readonly number: number | null;
};

/** Numbers beyond it are no classes but ids. */
const MAX_CLASSES = 100_000;

/** What a `.cls` or `.json` member says of the class; null: nothing. */
export function labelOf(name: string, bytes: Uint8Array): TarLabel | null {
  const text = new TextDecoder().decode(bytes).trim();
  if (!name.endsWith(".json")) return toLabel(text, null);
  const facts = parseObject(text);
  for (const field of ["label", "cls", "class"]) {
    const named = facts[`${field}Name`];
    const label = toLabel(facts[field], named ?? facts["labelName"]);
    if (label) return label;
  }
  return toLabel(facts["labelName"], null);
}

/** A class number from 0 on, or a name; with both, the name belongs to the number. */
function toLabel(value: unknown, name: unknown): TarLabel | null {
  const isNumber =
    typeof value === "number" ||
    (typeof value === "string" && /^\d{1,6}$/.test(value));
  if (!isNumber)
    return typeof value === "string" && value !== ""
      ? { name: value, number: null }
      : null;
  const number = Number(value);
  if (!Number.isInteger(number) || number < 0 || number >= MAX_CLASSES)
    return null;
  return { name: typeof name === "string" ? name : String(number), number };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : {};
  } catch {
    return {};
  }
}

export function createClassNumbers(labels: readonly (TarLabel | null)[]): {
  readonly classes: readonly string[];
  /** −1 for an image without a label. */
  numberOf(label: TarLabel | null): number;
} {
  const known = labels.filter((label) => label !== null);
  const isNumbered =
    known.length > 0 && known.every(({ number }) => number !== null);
  if (!isNumbered) {
    const classes = [...new Set(known.map(({ name }) => name))].sort(
      byCodeUnit,
    );
    const numbers = new Map(classes.map((name, i) => [name, i]));
    return {
      classes,
      numberOf: (label) => (label && numbers.get(label.name)) ?? -1,
    };
  }
  const classes: string[] = [];
  for (const { name, number } of known) classes[number as number] ??= name;
  return {
    classes: Array.from(classes, (name, i) => name ?? String(i)),
    numberOf: (label) => label?.number ?? -1,
  };
}
