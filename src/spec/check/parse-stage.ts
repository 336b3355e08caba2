/**
 * One stage of the file: its schema, its kind's parameters for every combination of its matrix, its inputs.
 * A key with a mistake is left out and the rest is checked all the same; what depends on that key is not.
 */
import type { PlacedStage } from "./stage-cells.ts";
import {
  resolveCheckpoint,
  resolveResources,
  resolveSeeds,
} from "../defaults.ts";
import { withoutConsequences, type IssuePath, type Mistake } from "../issue.ts";
import { expandMatrix } from "./matrix.ts";
import { nearestName } from "./nearest-name.ts";
import { checkName, repeatedNumbers } from "./names.ts";
import type { JsonObject, JsonValue, StageSpec } from "../pipeline-spec.ts";
import { checkMap, checkValue } from "./schema-issues.ts";
import { stageSchema, type StageFile } from "../schema.ts";
import { checkInputs } from "./stage-inputs.ts";
import { declarationOf, STAGE_KINDS, type StageKind } from "../stage-kinds.ts";
import { checkParams } from "./stage-params.ts";

export type ParsedStage = {
  /** Null if the stage has a mistake: then its cells are not known. */
  readonly placed: PlacedStage | null;
  /** Stages that it names, and where in the document. */
  readonly references: readonly {
    readonly stage: string;
    readonly path: IssuePath;
  }[];
  readonly mistakes: readonly Mistake[];
};

const CODES = {
  unknownKey: "spec.unknown-key",
  missing: "spec.missing",
} as const;
const MAX_STAGE_NAME = 63;
/** Axes with a meaning of their own. */
const RESERVED_AXES: ReadonlyMap<string, string> = new Map([
  ["seed", "write `seeds: [...]` on the stage instead"],
  ["stage", "it names the stage in tables and selections"],
]);

/** The kind of a stage, if it is one. */
export function readKind(raw: JsonValue): StageKind | null {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw))
    return null;
  const written = (raw as JsonObject)["kind"];
  return STAGE_KINDS.find((kind) => kind === written) ?? null;
}

export function parseStage(options: {
  readonly name: string;
  readonly raw: JsonValue;
  readonly kinds: ReadonlyMap<string, StageKind | null>;
  readonly seeds: readonly number[];
}): ParsedStage {
  const { name, raw, kinds } = options;
  const root: IssuePath = ["stages", name];
  const named = checkName(name, "a stage", [], "key", MAX_STAGE_NAME);
  const kind = readKind(raw);
  if (kind === null) {
    const checked = checkValue(stageSchema, raw, CODES);
    const structural = checked.ok ? [] : checked.mistakes.map(toKindMistake);
    return finish(null, [], [...named, ...structural], root);
  }
  const checked = checkMap(
    { schema: stageSchema, lenient: stageSchema, codes: CODES },
    raw as JsonObject,
  );
  const file = checked.output;
  // What a mistyped key was meant to say is not known either.
  const wrong = new Set([
    ...checked.wrongKeys,
    ...[...checked.wrongKeys].map((key) =>
      nearestName(key, ["with", "inputs", "matrix"]),
    ),
  ]);
  const matrix = expandMatrix(file.matrix);
  const params =
    wrong.has("with") || wrong.has("matrix")
      ? { variants: [], mistakes: [] }
      : checkParams({
          schema: declarationOf(kind).params,
          with: file.with,
          combinations: matrix.combinations,
        });
  const inputs = wrong.has("inputs")
    ? { inputs: {}, places: {}, mistakes: [] }
    : checkInputs({
        kind,
        written: file.inputs,
        kinds,
        variants: params.variants,
      });
  const axisNames = checkAxisNames(file);
  const mistakes = [
    ...named,
    ...checked.mistakes,
    ...inputs.mistakes,
    ...matrix.mistakes,
    ...axisNames,
    ...withoutConsequences(params.mistakes, axisNames),
    ...checkSeeds(file, kind),
    ...checkMemory(file, kind),
  ];
  const spec: StageSpec = {
    name,
    kind,
    inputs: inputs.inputs,
    variants: params.variants,
    exclude: matrix.inherited.map(({ entry }) => entry),
    ...resolveSeeds(file, declarationOf(kind), options.seeds),
    resources: resolveResources(file.resources, declarationOf(kind)),
    checkpoint: resolveCheckpoint(file.checkpoint),
    timeoutMs: file.timeout ?? null,
  };
  const excludeIndexes = matrix.inherited.map(({ index }) => index);
  const references = referencesOf(inputs, root);
  return finish(
    { spec, places: inputs.places, excludeIndexes },
    references,
    mistakes,
    root,
  );
}

function finish(
  placed: PlacedStage | null,
  references: ParsedStage["references"],
  mistakes: readonly Mistake[],
  root: IssuePath,
): ParsedStage {
  return {
    placed: mistakes.length === 0 ? placed : null,
    references,
    mistakes: mistakes.map((mistake) => ({
      ...mistake,
      path: [...root, ...mistake.path],
    })),
  };
}

function referencesOf(
  { inputs, places }: Pick<ReturnType<typeof checkInputs>, "inputs" | "places">,
  root: IssuePath,
): ParsedStage["references"] {
  return Object.entries(inputs).flatMap(([input, { sources }]) =>
    sources.map(({ stage }, i) => ({
      stage,
      path: [...root, ...(places[input]?.[i]?.stage ?? [])],
    })),
  );
}

function toKindMistake(mistake: Mistake): Mistake {
  return mistake.path[0] === "kind"
    ? { ...mistake, code: "spec.unknown-kind" }
    : mistake;
}

function checkAxisNames(file: StageFile): Mistake[] {
  const { include = [], exclude: _, ...axes } = file.matrix ?? {};
  const written: IssuePath[] = [
    ...Object.keys(axes).map((axis) => ["matrix", axis]),
    ...include.flatMap((entry, i) =>
      Object.keys(entry).map((axis) => ["matrix", "include", i, axis]),
    ),
  ];
  return written.flatMap((path): Mistake[] => {
    const reason = RESERVED_AXES.get(String(path.at(-1)));
    if (reason === undefined) return [];
    return [
      {
        code: "spec.reserved-axis",
        path,
        place: "key",
        message: `'${String(path.at(-1))}' is not free as the name of an axis`,
        hint: reason,
      },
    ];
  });
}

function checkSeeds(file: StageFile, kind: StageKind): Mistake[] {
  const mistakes = repeatedNumbers(file.seeds ?? [], ["seeds"]);
  for (const key of ["seed", "seeds"] as const)
    if (file[key] !== undefined && !declarationOf(kind).seeded)
      mistakes.push({
        code: "spec.unknown-key",
        path: [key],
        place: "key",
        message: `a stage of kind '${kind}' uses no randomness and has no '${key}'`,
        hint: "it gets the seeds of its inputs",
      });
  if (file.seed !== undefined && file.seeds !== undefined)
    mistakes.push({
      code: "spec.conflict",
      path: ["seed"],
      place: "key",
      message: "give either `seed` (one, no axis) or `seeds` (an axis)",
    });
  return mistakes;
}

function checkMemory({ resources }: StageFile, kind: StageKind): Mistake[] {
  const { memoryBytes, memoryMaxBytes } = resolveResources(
    resources,
    declarationOf(kind),
  );
  if (memoryMaxBytes === undefined || memoryMaxBytes >= memoryBytes) return [];
  const ofWhom =
    resources.memory === undefined
      ? `the memory of kind '${kind}'`
      : "`memory`";
  return [
    {
      code: "spec.range",
      path: ["resources", "memoryMax"],
      place: "value",
      message: `expected at least ${ofWhom}, ${mebibytes(memoryBytes)}; found ${mebibytes(memoryMaxBytes)}`,
      hint: "`memoryMax` is what a task gets after it ran out of `memory`",
    },
  ];
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)}Mi`;
}
