/**
 * The JSON Schema of pipeline files (draft 2020-12), for editors: completes keys, explains them, marks mistakes early.
 *
 * Generated from the schemas that the parser uses, so the two cannot disagree on what exists. It is wider than the
 * parser where a file on its own cannot be judged: parameters may come from the matrix, so none is required, and
 * any value may be a reference `${params.name}`.
 */
import { z } from "zod";
import { headSchema, matrixSchema, stageSchema } from "./schema.ts";
import {
  declarationOf,
  STAGE_KINDS,
  type StageKind,
  type StageKindDeclaration,
} from "./stage-kinds.ts";

export type JsonSchema = { readonly [keyword: string]: unknown };

/** The whole schema; the same value for the same declarations. */
export function createEditorSchema(): JsonSchema {
  const head = toJsonSchema(headSchema);
  const properties = propertiesOf(head);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "hueline pipeline",
    description: "A pipeline of stages that ends in a table.",
    type: "object",
    required: ["name", "stages"],
    additionalProperties: false,
    properties: {
      ...mapValues(properties, allowReferences),
      name: properties["name"],
      params: properties["params"],
      stages: {
        ...(properties["stages"] as JsonSchema),
        minProperties: 1,
        propertyNames: {
          pattern: "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
          maxLength: 63,
        },
        additionalProperties: refer("stage"),
      },
    },
    $defs: {
      reference: {
        type: "string",
        pattern: "^\\$\\{\\s*params\\.[^}]+\\}$",
        description: "The value of a parameter of the file.",
      },
      ...sharedDefinitions(),
      stage: {
        type: "object",
        required: ["kind"],
        properties: {
          kind: {
            description: "What the stage does.",
            oneOf: STAGE_KINDS.map((kind) => ({
              const: kind,
              description: declarationOf(kind).describe,
            })),
          },
        },
        // One branch per kind, so that an editor offers the keys of that kind alone.
        allOf: STAGE_KINDS.map((kind) => ({
          if: { required: ["kind"], properties: { kind: { const: kind } } },
          // oxlint-disable-next-line unicorn/no-thenable -- the keyword of JSON Schema
          then: stageOfKind(kind),
        })),
      },
    },
  };
}

/** What stages of every kind have, written once and referred to. */
const SHARED_KEYS = ["resources", "checkpoint", "timeout", "seed", "seeds"];

function sharedDefinitions(): Readonly<Record<string, JsonSchema>> {
  const stage = propertiesOf(toJsonSchema(stageSchema));
  const matrix = toJsonSchema(matrixSchema);
  const shared = SHARED_KEYS.map((key) => [
    key,
    allowReferences(stage[key] ?? {}),
  ]);
  const { include = {}, exclude = {} } = propertiesOf(matrix);
  return {
    ...(Object.fromEntries(shared) as Record<string, JsonSchema>),
    input: stage["inputs"]?.["additionalProperties"] as JsonSchema,
    axis: allowReferences(matrix["additionalProperties"] as JsonSchema),
    include,
    exclude,
  };
}

function refer(definition: string): JsonSchema {
  return { $ref: `#/$defs/${definition}` };
}

function stageOfKind(kind: StageKind): JsonSchema {
  const declaration = declarationOf(kind);
  const shared = SHARED_KEYS.filter(
    (key) => declaration.seeded || !key.startsWith("seed"),
  );
  const params = mapValues(
    propertiesOf(toJsonSchema(declaration.params)),
    allowReferences,
  );
  const needsInputs = Object.values(declaration.inputs).some(
    ({ required }) => required === true,
  );
  return {
    required: needsInputs ? ["kind", "inputs"] : ["kind"],
    additionalProperties: false,
    properties: {
      kind: { const: kind },
      description: { type: "string", description: "A sentence for people." },
      with: {
        type: "object",
        description: "Parameters of the stage.",
        additionalProperties: false,
        properties: params,
      },
      inputs: inputsOf(declaration),
      matrix: matrixOf(Object.keys(params)),
      ...Object.fromEntries(shared.map((key) => [key, refer(key)])),
    },
  };
}

function inputsOf({ inputs }: StageKindDeclaration): JsonSchema {
  return {
    type: "object",
    description: "Where each input comes from.",
    additionalProperties: false,
    required: Object.keys(inputs).filter(
      (name) => inputs[name]?.required === true,
    ),
    properties: mapValues(inputs, ({ describe, accepts }) => ({
      ...refer("input"),
      description: `${describe} (a stage that produces ${accepts})`,
    })),
  };
}

/** Axes are parameters of the kind, each a list of values; `include` and `exclude` beside them. */
function matrixOf(params: readonly string[]): JsonSchema {
  const names = ["include", "exclude"];
  return {
    type: "object",
    description: matrixSchema.description,
    additionalProperties: false,
    properties: Object.fromEntries([
      ...names.map((name) => [name, refer(name)]),
      ...params.map((param) => [param, refer("axis")]),
    ]),
  };
}

function toJsonSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    target: "draft-2020-12",
    io: "input",
    unrepresentable: "any",
  });
  return rest;
}

function propertiesOf(
  schema: JsonSchema,
): Readonly<Record<string, JsonSchema>> {
  return schema["properties"] as Readonly<Record<string, JsonSchema>>;
}

/** The schema, or a reference in its place, at every depth. */
function allowReferences(schema: JsonSchema): JsonSchema {
  const { description, default: standard, ...rest } = schema;
  const inner: Record<string, unknown> = { ...rest };
  if (rest["properties"] !== undefined)
    inner["properties"] = mapValues(propertiesOf(rest), allowReferences);
  for (const keyword of ["items", "additionalProperties"])
    if (typeof rest[keyword] === "object")
      inner[keyword] = allowReferences(rest[keyword] as JsonSchema);
  for (const keyword of ["anyOf", "oneOf"])
    if (Array.isArray(rest[keyword]))
      inner[keyword] = (rest[keyword] as JsonSchema[]).map(allowInside);
  return {
    ...(description === undefined ? {} : { description }),
    ...(standard === undefined ? {} : { default: standard }),
    ...(isPlainText(inner) ? inner : { anyOf: [inner, refer("reference")] }),
  };
}

/** A branch of a choice: references inside it, not beside it. */
function allowInside(schema: JsonSchema): JsonSchema {
  const properties = schema["properties"];
  return properties === undefined
    ? schema
    : {
        ...schema,
        properties: mapValues(propertiesOf(schema), (inner) =>
          "const" in inner ? inner : allowReferences(inner),
        ),
      };
}

/** A reference is such a text already. */
function isPlainText(schema: Readonly<Record<string, unknown>>): boolean {
  return (
    Object.keys(schema).length === 0 ||
    (schema["type"] === "string" &&
      schema["enum"] === undefined &&
      schema["pattern"] === undefined)
  );
}

function mapValues<T, R>(
  object: Readonly<Record<string, T>>,
  map: (value: T) => R,
): Record<string, R> {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [key, map(value)]),
  );
}
