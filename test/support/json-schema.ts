/** The part of JSON Schema (draft 2020-12) that the editor schema uses: where a value breaks it. A fresh look, for tests. */

type Schema = { readonly [keyword: string]: unknown };

/** JSON pointers of the places at which the value breaks the schema, each with the keyword. */
export function violations(
  root: Schema,
  value: unknown,
  schema: Schema = root,
  at = "",
): string[] {
  const check = (inner: unknown, part: unknown, place = at): string[] =>
    violations(root, part, inner as Schema, place);
  const found: string[] = [];
  const rules: Readonly<Record<string, (given: unknown) => boolean>> = {
    $ref: (given) => {
      const name = String(given).replace("#/$defs/", "");
      found.push(...check((root["$defs"] as Schema)[name], value));
      return true;
    },
    type: (given) => [given].flat().some((type) => hasType(value, type)),
    const: (given) => given === value,
    enum: (given) => (given as unknown[]).includes(value),
    pattern: (given) =>
      typeof value !== "string" || new RegExp(String(given)).test(value),
    minimum: (given) => typeof value !== "number" || value >= Number(given),
    maximum: (given) => typeof value !== "number" || value <= Number(given),
    exclusiveMinimum: (given) =>
      typeof value !== "number" || value > Number(given),
    exclusiveMaximum: (given) =>
      typeof value !== "number" || value < Number(given),
    minItems: (given) => !Array.isArray(value) || value.length >= Number(given),
    required: (given) =>
      !isMap(value) || (given as string[]).every((key) => key in value),
    anyOf: (given) =>
      (given as unknown[]).some((branch) => check(branch, value).length === 0),
    oneOf: (given) =>
      (given as unknown[]).filter((branch) => check(branch, value).length === 0)
        .length === 1,
    allOf: (given) => {
      for (const branch of given as unknown[])
        found.push(...check(branch, value));
      return true;
    },
    if: (given) => {
      if (check(given, value).length === 0)
        found.push(...check(schema["then"], value));
      return true;
    },
    items: (given) => {
      if (Array.isArray(value))
        value.forEach((item, i) =>
          found.push(...check(given, item, `${at}/${i}`)),
        );
      return true;
    },
    properties: (given) => {
      if (isMap(value))
        for (const [key, inner] of Object.entries(given as Schema))
          if (key in value)
            found.push(...check(inner, value[key], `${at}/${key}`));
      return true;
    },
    additionalProperties: (given) => {
      if (!isMap(value)) return true;
      const known = Object.keys(
        (schema["properties"] as Schema | undefined) ?? {},
      );
      const others = Object.keys(value).filter((key) => !known.includes(key));
      if (given === false) return others.length === 0;
      for (const key of others)
        found.push(...check(given, value[key], `${at}/${key}`));
      return true;
    },
  };
  for (const [keyword, given] of Object.entries(schema))
    if (rules[keyword]?.(given) === false) found.push(`${at} ${keyword}`);
  return found;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function hasType(value: unknown, type: unknown): boolean {
  if (type === "object") return isMap(value);
  if (type === "array") return Array.isArray(value);
  if (type === "null") return value === null;
  if (type === "integer") return Number.isInteger(value);
  return typeof value === type;
}
