/** Looks into a schema: which keys it knows at a place of a value. For suggestions only. */
import { z } from "zod";
import type { IssuePath } from "../issue.ts";

/** What stands at a path of a value, or undefined. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value;
  for (const step of path) {
    if (typeof here !== "object" || here === null) return undefined;
    here = (here as Readonly<Record<PropertyKey, unknown>>)[step];
  }
  return here;
}

/** The keys that the schema knows at a path of a value that it refused. */
export function keysAt(
  schema: z.ZodType,
  value: unknown,
  path: IssuePath,
): string[] {
  let keys: string[] = [];
  const visit = (
    here: z.core.$ZodType,
    inner: unknown,
    rest: IssuePath,
  ): void => {
    if (
      here instanceof z.ZodDefault ||
      here instanceof z.ZodPrefault ||
      here instanceof z.ZodOptional ||
      here instanceof z.ZodNullable
    )
      return visit(here.def.innerType, inner, rest);
    if (here instanceof z.ZodUnion)
      return here.options
        .filter((option) => matchesDiscriminator(here, option, inner))
        .forEach((option) => visit(option, inner, rest));
    const [step, ...more] = rest;
    if (here instanceof z.ZodObject) {
      if (step === undefined) keys = keys.concat(Object.keys(here.shape));
      else if (here.shape[step] !== undefined)
        visit(here.shape[step], valueAt(inner, [step]), more);
      else if (here.def.catchall !== undefined)
        visit(here.def.catchall, valueAt(inner, [step]), more);
    } else if (step !== undefined && here instanceof z.ZodArray)
      visit(here.element, valueAt(inner, [step]), more);
    else if (step !== undefined && here instanceof z.ZodRecord)
      visit(here.valueType, valueAt(inner, [step]), more);
  };
  visit(schema, value, path);
  return [...new Set(keys)];
}

/** Of a discriminated union, only the branch that the value names; of a plain one, every branch. */
function matchesDiscriminator(
  union: z.ZodUnion,
  option: z.core.$ZodType,
  value: unknown,
): boolean {
  if (!(union instanceof z.ZodDiscriminatedUnion)) return true;
  const key = union.def.discriminator;
  const values = option._zod.propValues?.[key];
  return values?.has(valueAt(value, [key]) as z.core.util.Primitive) ?? true;
}
