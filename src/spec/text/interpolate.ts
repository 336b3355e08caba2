/**
 * `params:` of a pipeline file: typed by their defaults, overridden from outside, put in place of `${params.name}`.
 *
 * A text that is nothing but a reference becomes the value with its type; inside a longer text it is written out.
 * `$${` is a literal `${`. Keys are never replaced.
 */
import type { IssuePath, Mistake } from "../issue.ts";
import { suggest } from "../check/nearest-name.ts";
import type { JsonObject, JsonValue } from "../pipeline-spec.ts";
import { describeValue } from "../check/schema-words.ts";

/** The parameters after overrides. `raw` has passed the schema: scalars and lists of scalars. */
export function resolveParams(
  raw: JsonObject,
  overrides: ReadonlyMap<string, string>,
): { readonly params: JsonObject; readonly mistakes: readonly Mistake[] } {
  const params = new Map(Object.entries(raw));
  const mistakes: Mistake[] = [];
  for (const [name, text] of overrides) {
    const standard = params.get(name);
    if (standard === undefined) {
      const hint = suggest(name, Object.keys(raw));
      mistakes.push({
        code: "spec.unknown-param-override",
        path: ["params"],
        place: "key",
        message: `the pipeline has no parameter '${name}' to override`,
        ...(hint === undefined ? {} : { hint }),
      });
      continue;
    }
    const value = parseAs(standard, text);
    if (value !== null) params.set(name, value);
    else
      mistakes.push({
        code: "spec.param-override",
        path: ["params", name],
        place: "value",
        message: `expected ${typeWords(standard)} for '${name}' (its default is ${JSON.stringify(standard)}), found '${text}'`,
      });
  }
  return { params: Object.fromEntries(params), mistakes };
}

/** A text as the type of a default value, or null. */
function parseAs(standard: JsonValue, text: string): JsonValue | null {
  if (typeof standard === "string") return text;
  if (typeof standard === "boolean")
    return text === "true" ? true : text === "false" ? false : null;
  if (typeof standard === "number")
    return text.trim() !== "" && Number.isFinite(Number(text))
      ? Number(text)
      : null;
  if (!Array.isArray(standard)) return null;
  const [first = ""] = standard as readonly JsonValue[];
  const items = text
    .replace(/^\[(.*)\]$/, "$1")
    .split(",")
    .map((item) => parseAs(first, item.trim()));
  return items.includes(null) ? null : items;
}

function typeWords(standard: JsonValue): string {
  if (Array.isArray(standard)) return "a comma-separated list";
  if (typeof standard === "boolean") return "true or false";
  return typeof standard === "number" ? "a number" : "a text";
}

const REFERENCE = /\$(\$)?\{([^}]*)\}/g;
const WHOLE_REFERENCE = /^\$\{([^}]*)\}$/;

/** The value with every reference replaced, at any depth. */
export function interpolate(
  value: JsonValue,
  params: JsonObject,
): { readonly value: JsonValue; readonly mistakes: readonly Mistake[] } {
  const mistakes: Mistake[] = [];
  const lookUp = (reference: string, path: IssuePath): JsonValue => {
    const name = /^\s*params\.(\S+)\s*$/.exec(reference)?.[1];
    if (name !== undefined && Object.hasOwn(params, name))
      return params[name] ?? "";
    const hint = suggest(
      name ?? reference.trim(),
      Object.keys(params).map((known) =>
        name === undefined ? `params.${known}` : known,
      ),
    );
    mistakes.push({
      code: "spec.unknown-reference",
      path,
      place: "value",
      message: `no parameter '\${${reference}}'`,
      hint:
        hint ?? "only ${params.name} is replaced, for a name under `params`",
    });
    return "";
  };
  const replaceText = (text: string, path: IssuePath): JsonValue => {
    if (!text.includes("${")) return text;
    const whole = WHOLE_REFERENCE.exec(text)?.[1];
    if (whole !== undefined) return lookUp(whole, path);
    return text.replace(
      REFERENCE,
      (found, escaped: string | undefined, reference: string) => {
        if (escaped !== undefined) return found.slice(1);
        const inner = lookUp(reference, path);
        if (typeof inner !== "object") return String(inner);
        mistakes.push({
          code: "spec.type",
          path,
          place: "value",
          message: `expected a single value inside a text, found ${describeValue(inner)} in '${reference}'`,
        });
        return "";
      },
    );
  };
  const replace = (here: JsonValue, path: IssuePath): JsonValue => {
    if (typeof here === "string") return replaceText(here, path);
    if (typeof here !== "object" || here === null) return here;
    if (Array.isArray(here))
      return here.map((item: JsonValue, i) => replace(item, [...path, i]));
    return Object.fromEntries(
      Object.entries(here).map(([key, inner]) => [
        key,
        replace(inner, [...path, key]),
      ]),
    );
  };
  return { value: replace(value, []), mistakes };
}
