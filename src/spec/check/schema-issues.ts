/**
 * What a zod schema says about a value, in this project's codes and words.
 *
 * One mistake per cause: a union reports the branch that fits best, an unknown key names the nearest known one. Paths
 * are those of the value; whoever called knows where in the file the value stands.
 */
import type { z } from "zod";
import type { IssuePath, Mistake } from "../issue.ts";
import type { JsonObject } from "../pipeline-spec.ts";
import { didYouMean, suggest } from "./nearest-name.ts";
import { keysAt, valueAt } from "./schema-keys.ts";
import {
  describeValue,
  expectationOf,
  hintOf,
  typeWords,
} from "./schema-words.ts";

export type SchemaIssueCodes = {
  readonly unknownKey: string;
  readonly missing: string;
};

type ZodIssue = z.core.$ZodIssue;

/** A value as the schema reads it, or every mistake in it. */
export type Checked<T> =
  | { readonly ok: true; readonly output: T }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] };

export function checkValue<S extends z.ZodType>(
  schema: S,
  value: unknown,
  codes: SchemaIssueCodes,
): Checked<z.output<S>> {
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, output: result.data };
  const context = { schema, value, codes };
  return { ok: false, mistakes: toMistakes(result.error.issues, context) };
}

/** A map as the schema reads it; of one with mistakes, what is left without the keys that hold them. */
export function checkMap<S extends z.ZodType, L extends z.ZodType>(
  options: {
    readonly schema: S;
    /** The same schema for what is left: a key may be absent that the schema requires. */
    readonly lenient: L;
    readonly codes: SchemaIssueCodes;
  },
  value: JsonObject,
): {
  readonly output: z.output<S> | z.output<L>;
  readonly mistakes: readonly Mistake[];
  readonly wrongKeys: ReadonlySet<string>;
} {
  const checked = checkValue(options.schema, value, options.codes);
  if (checked.ok)
    return { output: checked.output, mistakes: [], wrongKeys: new Set() };
  const { mistakes } = checked;
  const wrongKeys = new Set(mistakes.map(({ path }) => String(path[0])));
  const sound = Object.fromEntries(
    Object.entries(value).filter(([key]) => !wrongKeys.has(key)),
  );
  return { output: options.lenient.parse(sound), mistakes, wrongKeys };
}

type Context = {
  readonly schema: z.ZodType;
  readonly value: unknown;
  readonly codes: SchemaIssueCodes;
};

/** The mistakes behind the issues of a failed parse of `value` by `schema`. */
function toMistakes(issues: readonly ZodIssue[], context: Context): Mistake[] {
  const mistakes = issues
    .flatMap((issue) => flattenUnion(issue, context.value))
    .flatMap((issue) => toMistakesOfIssue(issue, context));
  const meant = new Set(mistakes.map(({ hint }) => hint));
  // A key that is missing because it was mistyped is one mistake.
  return mistakes.filter(
    ({ code, message }) =>
      code !== context.codes.missing ||
      !meant.has(didYouMean(/^'([^']*)' is missing/.exec(message)?.[1] ?? "")),
  );
}

/**
 * A union that failed in all branches stands for the branch that understood most of the value; of a text that no branch took, for
 * the choices among the branches, one of which was probably meant.
 */
function flattenUnion(issue: ZodIssue, value: unknown): ZodIssue[] {
  if (issue.code !== "invalid_union" || issue.errors.length === 0)
    return [issue];
  const found = valueAt(value, issue.path);
  const branches = issue.errors.map((errors) =>
    errors.flatMap((inner) => flattenUnion(inner, found)),
  );
  const fitting = branches.filter((errors) => !errors.some(isWrongType));
  const [best] = fitting.sort((a, b) => depthOf(b) - depthOf(a));
  const chosen = best ?? [noBranch(issue, branches, found)];
  return chosen.map((inner) => ({
    ...inner,
    path: [...issue.path, ...inner.path],
  }));
}

function noBranch(
  { message }: ZodIssue,
  branches: readonly (readonly ZodIssue[])[],
  found: unknown,
): ZodIssue {
  const choices = branches
    .flat()
    .flatMap((issue) => (issue.code === "invalid_value" ? issue.values : []));
  const others = branches
    .map(rootExpectation)
    .filter((_, i) => !branches[i]?.some(isChoice));
  if (typeof found !== "string" || choices.length === 0)
    return {
      code: "invalid_type",
      expected: branches.map(rootExpectation).join(" or "),
      path: [],
      message,
    };
  const words = [
    ...choices.map((choice) => `'${String(choice)}'`),
    ...new Set(others.map(typeWords)),
  ];
  return {
    code: "invalid_value",
    values: choices,
    path: [],
    message: `expected ${words.join(" or ")}`,
  };
}

function isChoice(issue: ZodIssue): boolean {
  return issue.code === "invalid_value" && issue.path.length === 0;
}

function isWrongType(issue: ZodIssue): boolean {
  return (
    issue.path.length === 0 &&
    (issue.code === "invalid_type" || issue.code === "invalid_value")
  );
}

function depthOf(issues: readonly ZodIssue[]): number {
  return Math.max(...issues.map((issue) => issue.path.length));
}

function rootExpectation(issues: readonly ZodIssue[]): string {
  const [issue] = issues.filter(isWrongType);
  if (issue?.code === "invalid_type") return issue.expected;
  return issue?.code === "invalid_value" ? issue.values.join(" or ") : "?";
}

function toMistakesOfIssue(issue: ZodIssue, context: Context): Mistake[] {
  const path = issue.path as IssuePath;
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => unknownKey(path, key, context));
  if (valueAt(context.value, path) === undefined && path.length > 0)
    return [missing(path, issue, context)];
  return [invalid(path, issue, context)];
}

function unknownKey(path: IssuePath, key: string, context: Context): Mistake {
  const known = keysAt(context.schema, context.value, path);
  const hint = suggest(key, known);
  return {
    code: context.codes.unknownKey,
    path: [...path, key],
    place: "key",
    message: `unknown key '${key}'`,
    ...(hint === undefined ? {} : { hint }),
  };
}

function missing(path: IssuePath, issue: ZodIssue, context: Context): Mistake {
  // A discriminator that is absent, or a refinement about a key that nobody wrote: the path names it all the same.
  if (issue.code === "custom")
    return invalid(path.slice(0, -1), issue, context);
  const name = String(path.at(-1));
  const expected = expectationOf(issue);
  return {
    code: context.codes.missing,
    path: path.slice(0, -1),
    place: "key",
    message: `'${name}' is missing${expected === null ? "" : `: expected ${expected}`}`,
  };
}

function invalid(path: IssuePath, issue: ZodIssue, context: Context): Mistake {
  const found = valueAt(context.value, path);
  const expected = expectationOf(issue);
  const message =
    expected === null
      ? issue.message
      : `expected ${expected}, found ${describeValue(found)}`;
  const hint = hintOf(issue, found);
  return {
    code: CODES[issue.code] ?? "spec.value",
    path,
    place: "value",
    message,
    ...(hint === undefined ? {} : { hint }),
  };
}

const CODES: Readonly<Record<string, string>> = {
  invalid_type: "spec.type",
  too_small: "spec.range",
  too_big: "spec.range",
  not_multiple_of: "spec.range",
  invalid_format: "spec.format",
  custom: "spec.conflict",
};
