/** The keys of a pipeline file around its stages: which there are, and of what type. */
import type { Mistake } from "../issue.ts";
import type { JsonObject, JsonValue } from "../pipeline-spec.ts";
import { checkMap } from "./schema-issues.ts";
import { describeValue } from "./schema-words.ts";
import { headSchema } from "../schema.ts";
import { checkName, repeatedNumbers } from "./names.ts";

/** What is right of the head; what is not has its default. */
export type CheckedHead = {
  /** The document if it is a map at all. */
  readonly file: JsonObject | null;
  readonly name: string;
  readonly description: string;
  readonly params: JsonObject;
  readonly seeds: readonly number[];
  /** By name, each still to be checked. */
  readonly stages: JsonObject;
  readonly mistakes: readonly Mistake[];
};

/** Names of runs are this name and nine characters more, and must stay DNS labels with room for a suffix. */
const MAX_PIPELINE_NAME = 50;

export function checkPipelineHead(value: JsonValue): CheckedHead {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return {
      ...NOTHING,
      mistakes: [
        {
          code: "spec.type",
          path: [],
          place: "value",
          message: `expected a map with name and stages, found ${describeValue(value)}`,
        },
      ],
    };
  const file = value as JsonObject;
  const checked = checkMap(
    { schema: headSchema, lenient: headSchema.partial(), codes: CODES },
    file,
  );
  const {
    name,
    description = "",
    params = {},
    seeds = [0],
    stages,
  } = checked.output;
  const mistakes = [...checked.mistakes];
  if (name !== undefined)
    mistakes.push(
      ...checkName(name, "the pipeline", ["name"], "value", MAX_PIPELINE_NAME),
    );
  if (stages !== undefined && Object.keys(stages).length === 0)
    mistakes.push({
      code: "spec.range",
      path: ["stages"],
      place: "value",
      message: "expected at least one stage, found none",
    });
  mistakes.push(...repeatedNumbers(seeds, ["seeds"]));
  return {
    file,
    name: name ?? "",
    description,
    params,
    seeds: [...new Set(seeds)],
    stages: stages ?? {},
    mistakes,
  };
}

const CODES = {
  unknownKey: "spec.unknown-key",
  missing: "spec.missing",
} as const;

const NOTHING: Omit<CheckedHead, "mistakes"> = {
  file: null,
  name: "",
  description: "",
  params: {},
  seeds: [0],
  stages: {},
};
