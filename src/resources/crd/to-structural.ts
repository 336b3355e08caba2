/**
 * A schema → the structural schema that a CRD may have (OpenAPI v3, `x-kubernetes-*`): each field has one type, there
 * are no references and no alternatives. Unknown fields are pruned by the server, or refused where a client asks for
 * strictness, as kubectl does; so `additionalProperties: false` is not said.
 *
 * Refuses what it does not know: a keyword that is dropped in silence would be a rule that nobody checks (invariant J).
 */
import { z } from "zod";

export type Structural = { readonly [keyword: string]: unknown };

/** Keywords that mean the same in both, in the order in which they are written. */
const KEPT = [
  "type",
  "format",
  "description",
  "enum",
  "pattern",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "minItems",
  "maxItems",
  "maxProperties",
  "required",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-validations",
] as const;

const HANDLED = ["$schema", "items", "properties"];

export function toStructural(schema: z.ZodType): Structural {
  const json = z.toJSONSchema(schema, {
    target: "draft-2020-12",
    io: "input",
    reused: "inline",
  });
  return convert(json, "");
}

function convert(schema: Structural, at: string): Structural {
  const result: Record<string, unknown> = {};
  for (const keyword of KEPT)
    if (isSaid(schema, keyword)) result[keyword] = schema[keyword];
  if (schema["type"] === "integer") result["format"] = "int64";
  if (schema["items"] !== undefined)
    result["items"] = convert(schema["items"] as Structural, `${at}[]`);
  if (schema["properties"] !== undefined)
    result["properties"] = convertAll(schema["properties"] as Structural, at);
  const others = schema["additionalProperties"];
  if (others !== undefined && others !== false)
    result["additionalProperties"] = convert(others as Structural, `${at}.*`);
  refuseUnknown(schema, at);
  return result;
}

function convertAll(properties: Structural, at: string): Structural {
  return Object.fromEntries(
    Object.entries(properties).map(([name, inner]) => [
      name,
      convert(inner as Structural, `${at}.${name}`),
    ]),
  );
}

function isSaid(schema: Structural, keyword: string): boolean {
  const value = schema[keyword];
  if (value === undefined) return false;
  // The format says it; the pattern has what the server's regular expressions (RE2) do not know.
  if (keyword === "pattern") return schema["format"] === undefined;
  // What a JavaScript number can hold, not a bound that anybody set.
  return Math.abs(Number(value)) !== Number.MAX_SAFE_INTEGER;
}

function refuseUnknown(schema: Structural, at: string): void {
  for (const keyword of Object.keys(schema)) {
    if (HANDLED.includes(keyword) || KEPT.includes(keyword as never)) continue;
    if (keyword === "additionalProperties") continue;
    if (keyword === "propertyNames" && isAnyText(schema[keyword])) continue;
    throw new Error(
      `a CRD cannot say '${keyword}', which the schema has at '${at}'; say it in CEL`,
    );
  }
  if (schema["type"] === undefined)
    throw new Error(`the schema has no type at '${at}'`);
}

function isAnyText(schema: unknown): boolean {
  return JSON.stringify(schema) === '{"type":"string"}';
}
