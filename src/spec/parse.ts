/**
 * Pipeline text to `PipelineSpec`, or every mistake in it at once, with positions.
 *
 * Text → document (`yaml-document`) → `${params.…}` replaced (`interpolate`) → head and stages by schema, each stage
 * on its own (`parse-stage`) → stages put together (`stage-order`, `stage-cells`). Each step goes on with what the
 * one before understood: a mistake in one stage does not hide those of another, and nothing is reported twice.
 * Pure: no file, no clock, no environment.
 */
import { checkCells } from "./check/stage-cells.ts";
import { interpolate, resolveParams } from "./text/interpolate.ts";
import {
  sortIssues,
  withoutConsequences,
  type Issue,
  type Mistake,
} from "./issue.ts";
import { checkPipelineHead } from "./check/parse-head.ts";
import { parseStage, readKind, type ParsedStage } from "./check/parse-stage.ts";
import type { JsonObject, JsonValue, PipelineSpec } from "./pipeline-spec.ts";
import { toSourceText } from "./text/source-text.ts";
import { orderStages } from "./check/stage-order.ts";
import { parseYaml } from "./text/yaml-document.ts";

export type ParsedPipeline =
  | { readonly ok: true; readonly spec: PipelineSpec }
  | { readonly ok: false; readonly issues: readonly Issue[] };

export type ParseOptions = {
  /** Values of `params` given from outside, as texts: `-p name=value`. */
  readonly overrides?: ReadonlyMap<string, string>;
};

/** Parses a pipeline file. Bytes are checked for their encoding too. */
export function parsePipeline(
  source: string | Uint8Array,
  options: ParseOptions = {},
): ParsedPipeline {
  const decoded = toSourceText(source);
  if (!decoded.ok) return { ok: false, issues: [decoded.issue] };
  const parsed = parseYaml(decoded.text);
  if (!parsed.ok) return { ok: false, issues: sortIssues(parsed.issues) };
  const { document } = parsed;
  const { spec, mistakes } = readPipeline(
    document.value,
    options.overrides ?? new Map(),
    decoded.text.includes("${"),
  );
  const issues: Issue[] = [
    ...document.issues,
    ...withoutConsequences(
      mistakes,
      // A duplicate is left out; the entry that stays is checked.
      document.issues.filter(({ code }) => code !== "yaml.duplicate-key"),
    ).map(({ place, ...mistake }) => ({
      ...mistake,
      ...document.locate(mistake.path, place),
    })),
  ];
  if (issues.length > 0 || spec === null)
    return { ok: false, issues: sortIssues(issues) };
  return { ok: true, spec: freeze(spec) };
}

type Reading = {
  readonly spec: PipelineSpec | null;
  readonly mistakes: readonly Mistake[];
};

function readPipeline(
  value: JsonValue,
  overrides: ReadonlyMap<string, string>,
  hasReferences: boolean,
): Reading {
  const head = checkPipelineHead(value);
  if (head.file === null) return { spec: null, mistakes: head.mistakes };
  const { params, mistakes: overrideMistakes } = resolveParams(
    head.params,
    overrides,
  );
  const replaced = hasReferences
    ? replaceReferences(head.file, params)
    : { file: head.file, mistakes: [] };
  const { file } = replaced;
  const checked = hasReferences ? checkPipelineHead(file) : head;
  const stages = readStages(checked.stages, checked.seeds);
  return {
    spec: {
      name: checked.name,
      description: checked.description,
      params,
      stages: stages.specs,
    },
    mistakes: [
      ...withoutConsequences(
        [...checked.mistakes, ...stages.mistakes],
        replaced.mistakes,
      ),
      ...overrideMistakes,
      ...replaced.mistakes,
    ],
  };
}

/** The file with every reference replaced, except in the parameters themselves. */
function replaceReferences(
  file: JsonObject,
  params: JsonObject,
): { readonly file: JsonObject; readonly mistakes: readonly Mistake[] } {
  const { params: written = {}, ...rest } = file;
  const { value, mistakes } = interpolate(rest, params);
  return { file: { ...(value as JsonObject), params: written }, mistakes };
}

function readStages(
  raw: JsonObject,
  seeds: readonly number[],
): {
  readonly specs: PipelineSpec["stages"];
  readonly mistakes: readonly Mistake[];
} {
  const written = Object.entries(raw);
  const kinds = new Map(written.map(([name, raw]) => [name, readKind(raw)]));
  const stages = new Map(
    written.map(([name, raw]) => [
      name,
      parseStage({ name, raw, kinds, seeds }),
    ]),
  );
  const { order, mistakes: cycles } = orderParsed(stages);
  const placed = order.flatMap((name) => stages.get(name)?.placed ?? []);
  return {
    specs: placed.map(({ spec }) => spec),
    mistakes: [
      ...[...stages.values()].flatMap(({ mistakes }) => mistakes),
      ...cycles,
      // Cells of stages in a cycle have no beginning; their mistake is the cycle.
      ...(cycles.length > 0 ? [] : checkCells(placed)),
    ],
  };
}

function orderParsed(stages: ReadonlyMap<string, ParsedStage>): {
  readonly order: readonly string[];
  readonly mistakes: readonly Mistake[];
} {
  const upstreams = new Map(
    Array.from(stages, ([name, { references }]) => [
      name,
      references.map(({ stage }) => stage).filter((stage) => stages.has(stage)),
    ]),
  );
  const { order, cycles } = orderStages(upstreams);
  const mistakes = cycles.map((cycle): Mistake => {
    const [reader = "", upstream = ""] = cycle.slice(-2);
    const reference = stages
      .get(reader)
      ?.references.find(({ stage }) => stage === upstream);
    return {
      code: "spec.cycle",
      path: reference?.path ?? ["stages", reader],
      place: "value",
      message: `stages read each other in a circle: ${cycle.join(" → ")} (→ means 'reads')`,
    };
  });
  return { order, mistakes };
}

/** Freezes a value and all that it holds. */
function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value))
    return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
  return value;
}
