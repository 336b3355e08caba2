/**
 * Checks the parameters of every combination of a stage against the schema of its kind, and fills in the defaults.
 *
 * Each value that somebody wrote is parsed once, however many combinations share it; a combination is put together
 * from the parsed values, which it shares with the others. Only a schema with rules across parameters is run on
 * every combination: nothing that such a rule could refuse is skipped.
 */
import type { z } from "zod";
import type { Mistake } from "../issue.ts";
import type { Combination, ParamSource } from "./combination.ts";
import { didYouMean, suggest } from "./nearest-name.ts";
import type { JsonObject, JsonValue, Variant } from "../pipeline-spec.ts";
import { checkValue } from "./schema-issues.ts";

const CODES = {
  unknownKey: "spec.unknown-param",
  missing: "spec.missing-param",
} as const;
/** Enough to see what is wrong; a wrong rule of a large matrix would say it a million times. */
const MAX_CROSS_MISTAKES = 50;

export type CheckedParams = {
  /** Without the combinations that have a mistake. */
  readonly variants: readonly Variant[];
  /** Paths are relative to the stage. */
  readonly mistakes: readonly Mistake[];
};

/** Variants from the combinations of a stage and the parameters under its `with`. */
export function checkParams(options: {
  readonly schema: z.ZodObject;
  readonly with: JsonObject;
  readonly combinations: readonly Combination[];
}): CheckedParams {
  const { schema, combinations } = options;
  const fields = fieldsOf(schema);
  const mistakes: Mistake[] = [];
  const base = Object.entries(options.with).map(
    ([param, value]): ParamSource => ({
      param,
      path: ["with", param],
      keyPath: ["with", param],
      value,
      label: null,
    }),
  );
  const parsed = new Map<ParamSource, ParsedField>();
  const parse = (source: ParamSource): ParsedField => {
    let field = parsed.get(source);
    if (field === undefined) {
      field = fields.parse(source);
      parsed.set(source, field);
      mistakes.push(...field.mistakes);
    }
    return field;
  };
  base.forEach(parse);
  const rules = createRules(schema, mistakes);
  const variants: Variant[] = [];
  for (const { cell, sources } of combinations) {
    const written = new Map<string, ParsedField>();
    for (const source of base) written.set(source.param, parse(source));
    for (const source of sources) written.set(source.param, parse(source));
    const params = fields.assemble(written);
    if ("missing" in params) rules.reportMissing(params.missing);
    else if (params.isValid && rules.accept(written))
      variants.push({ cell, params: params.value });
  }
  return { variants, mistakes };
}

type ParsedField = {
  readonly source: ParamSource;
  /** What was written, without the label of an axis value if the schema has no `name`. */
  readonly input: JsonValue;
  readonly output: JsonValue;
  readonly mistakes: readonly Mistake[];
};

type MissingParam = { readonly param: string; readonly mistake: Mistake };

type Assembled =
  | { readonly missing: readonly MissingParam[] }
  | { readonly isValid: boolean; readonly value: JsonObject };

type Fields = {
  parse(source: ParamSource): ParsedField;
  /** Parameters in the order of the schema, absent ones with their defaults. */
  assemble(written: ReadonlyMap<string, ParsedField>): Assembled;
};

/** Schemas do not change; what follows from one alone is worked out once, not for each of its stages. */
const knownFields = new WeakMap<z.ZodObject, Fields>();

function fieldsOf(schema: z.ZodObject): Fields {
  const known = knownFields.get(schema);
  if (known !== undefined) return known;
  const fields = createFields(schema);
  knownFields.set(schema, fields);
  return fields;
}

function createFields(schema: z.ZodObject): Fields {
  const shape = schema.shape as Readonly<Record<string, z.ZodType>>;
  const names = Object.keys(shape);
  const absent = new Map(
    Object.entries(shape).map(([name, field]) => [
      name,
      checkValue(field, undefined, CODES),
    ]),
  );
  return {
    parse(source) {
      const field = shape[source.param];
      if (field !== undefined && Object.hasOwn(shape, source.param))
        return parseField(field, source);
      const hint = suggest(source.param, names);
      const mistake: Mistake = {
        code: CODES.unknownKey,
        path: source.keyPath,
        place: "key",
        message: `unknown parameter '${source.param}'`,
        ...(hint === undefined ? {} : { hint }),
      };
      return { source, input: null, output: null, mistakes: [mistake] };
    },
    assemble(written) {
      const value: Record<string, JsonValue> = {};
      const missing: MissingParam[] = [];
      for (const name of names) {
        const given = written.get(name);
        const standard = absent.get(name);
        if (given !== undefined) value[name] = given.output;
        else if (standard?.ok === false)
          missing.push({
            param: name,
            mistake: missingParam(name, standard.mistakes),
          });
        else if (standard?.output !== undefined)
          value[name] = standard.output as JsonValue;
      }
      if (missing.length > 0) return { missing };
      let isValid = true;
      for (const { mistakes } of written.values())
        isValid &&= mistakes.length === 0;
      return { isValid, value };
    },
  };
}

function parseField(field: z.ZodType, source: ParamSource): ParsedField {
  const attempt = (input: JsonValue): ParsedField => {
    const checked = checkValue(field, input, CODES);
    if (checked.ok)
      return {
        source,
        input,
        output: checked.output as JsonValue,
        mistakes: [],
      };
    const mistakes = checked.mistakes.map((mistake) => ({
      ...mistake,
      path: [...source.path, ...mistake.path],
    }));
    return { source, input, output: null, mistakes };
  };
  if (source.label === null || typeof source.value !== "object")
    return attempt(source.value);
  const { name: _label, ...bare } = source.value as JsonObject;
  const withName = attempt(source.value);
  if (withName.mistakes.length === 0) return withName;
  return attempt(bare);
}

function missingParam(name: string, reasons: readonly Mistake[]): Mistake {
  const expected = /expected (.*), found/.exec(reasons[0]?.message ?? "")?.[1];
  return {
    code: CODES.missing,
    path: ["with"],
    place: "key",
    message: `the parameter '${name}' is missing${expected === undefined ? "" : `: expected ${expected}`}`,
    hint: "give it under `with` or as an axis of the matrix",
  };
}

type Rules = {
  reportMissing(missing: readonly MissingParam[]): void;
  /** Whether the rules across parameters hold; reports those that do not, once each. */
  accept(written: ReadonlyMap<string, ParsedField>): boolean;
};

function createRules(schema: z.ZodObject, mistakes: Mistake[]): Rules {
  const hasRules = (schema.def.checks?.length ?? 0) > 0;
  const seen = new Set<string>();
  const report = (mistake: Mistake): void => {
    const identity = JSON.stringify([mistake.path, mistake.message]);
    if (seen.has(identity) || seen.size >= MAX_CROSS_MISTAKES) return;
    seen.add(identity);
    mistakes.push(mistake);
  };
  return {
    reportMissing(missing) {
      // A parameter that is missing because it was mistyped is one mistake.
      const meant = new Set(mistakes.map(({ hint }) => hint));
      missing
        .filter(({ param }) => !meant.has(didYouMean(param)))
        .forEach(({ mistake }) => report(mistake));
    },
    accept(written) {
      if (!hasRules) return true;
      const input = Object.fromEntries(
        Array.from(written, ([name, field]) => [name, field.input]),
      );
      const checked = checkValue(schema, input, CODES);
      if (checked.ok) return true;
      for (const mistake of checked.mistakes) {
        const [param, ...inner] = mistake.path;
        const path = written.get(String(param))?.source.path ?? ["with"];
        report({ ...mistake, path: [...path, ...inner] });
      }
      return false;
    },
  };
}
