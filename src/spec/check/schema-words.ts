/** The words of mistakes: what a schema expected, what was found, which choice was probably meant. */
import type { z } from "zod";
import { didYouMean, nearestName } from "./nearest-name.ts";

type ZodIssue = z.core.$ZodIssue;

const TYPE_WORDS: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number",
  string: "a text",
  boolean: "true or false",
  object: "a map",
  record: "a map",
  array: "a list",
};

/** What would have been right, or null if only the issue's own message says it. */
export function expectationOf(issue: ZodIssue): string | null {
  // A schema may say in its own words what it expects; zod's begin otherwise.
  const own = /^expected (.*)$/.exec(issue.message)?.[1];
  if (own !== undefined) return own;
  if (issue.code === "invalid_type") return typeWords(issue.expected);
  if (issue.code === "too_small")
    return rangeWords(issue, "at least", "more than", issue.minimum);
  if (issue.code === "too_big")
    return rangeWords(issue, "at most", "less than", issue.maximum);
  const options = optionsOf(issue);
  return options.length === 0
    ? null
    : options.map((value) => `'${value}'`).join(" or ");
}

/** `int or string` in the words of a person. */
export function typeWords(types: string): string {
  const words = types.split(" or ").map((type) => TYPE_WORDS[type] ?? type);
  return [...new Set(words)].join(" or ");
}

function rangeWords(
  issue: { readonly origin: string; readonly inclusive?: boolean },
  inclusive: string,
  exclusive: string,
  bound: number | bigint,
): string {
  const words = `${issue.inclusive === false ? exclusive : inclusive} ${bound}`;
  const unit = COUNTED[issue.origin];
  return unit === undefined ? words : `${words} ${unit[bound === 1 ? 0 : 1]}`;
}

const COUNTED: Readonly<Record<string, readonly [string, string]>> = {
  array: ["entry", "entries"],
  string: ["character", "characters"],
};

/** The values that an issue would have accepted, as texts; empty if it is not about a choice. */
function optionsOf(issue: ZodIssue): string[] {
  if (issue.code === "invalid_value") return issue.values.map(String);
  if (issue.code === "invalid_union" && "options" in issue)
    return (issue.options ?? []).map(String);
  return [];
}

/** The choice that was probably meant. */
export function hintOf(issue: ZodIssue, found: unknown): string | undefined {
  if (typeof found !== "string") return undefined;
  const nearest = nearestName(found, optionsOf(issue));
  return nearest === null ? undefined : didYouMean(nearest);
}

/** A value as a mistake shows it: short, with its type where the text alone would mislead. */
export function describeValue(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value))
    return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value === "object") return "a map";
  if (typeof value !== "string") return JSON.stringify(value);
  return value.length > 40
    ? `the text '${value.slice(0, 40)}…'`
    : `the text '${value}'`;
}
