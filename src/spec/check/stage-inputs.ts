/**
 * The inputs of a stage: from what people may write (a stage, `{ from, where }`, a list of either) to one form, checked
 * against what the kind declares and what the named stages produce.
 */
import type { IssuePath, Mistake } from "../issue.ts";
import { didYouMean, suggest } from "./nearest-name.ts";
import type { InputSource, InputSpec, Variant } from "../pipeline-spec.ts";
import type { InputFile, StageFile } from "../schema.ts";
import {
  declarationOf,
  type InputDeclaration,
  type StageKind,
} from "../stage-kinds.ts";

/** Where the parts of a source stand in the file, relative to the stage. */
export type SourcePlaces = {
  readonly stage: IssuePath;
  readonly where: IssuePath;
};

export type CheckedInputs = {
  /** In the order of the kind's declaration. */
  readonly inputs: Readonly<Record<string, InputSpec>>;
  /** Of each source, by input and index. */
  readonly places: Readonly<Record<string, readonly SourcePlaces[]>>;
  /** Paths are relative to the stage. */
  readonly mistakes: readonly Mistake[];
};

/** The inputs of one stage. `kinds` has the kind of every stage of the file, null where it is not known. */
export function checkInputs(options: {
  readonly kind: StageKind;
  readonly written: StageFile["inputs"];
  readonly kinds: ReadonlyMap<string, StageKind | null>;
  /** Those without a mistake, which decide what is required. */
  readonly variants: readonly Variant[];
}): CheckedInputs {
  const declared = declarationOf(options.kind).inputs;
  const mistakes: Mistake[] = unknownInputs(options.kind, options.written);
  const inputs: Record<string, InputSpec> = {};
  const places: Record<string, readonly SourcePlaces[]> = {};
  for (const [input, declaration] of Object.entries(declared)) {
    const written = options.written[input];
    if (written === undefined) {
      const isMistyped = mistakes.some(
        ({ hint }) => hint === didYouMean(input),
      );
      if (isRequired(declaration, options.variants) && !isMistyped)
        mistakes.push({
          code: "spec.input-missing",
          path: ["inputs"],
          place: "key",
          message: `the input '${input}' is missing: ${declaration.describe}`,
          hint: `inputs: { ${input}: <a stage that produces ${declaration.accepts}> }`,
        });
      continue;
    }
    const sources = normalizeInput(written, ["inputs", input]);
    mistakes.push(...repeatedSources(sources));
    for (const { source, at } of sources)
      mistakes.push(
        ...checkSource({
          source,
          at,
          accepts: declaration.accepts,
          kinds: options.kinds,
        }),
      );
    inputs[input] = {
      sources: sources.map(({ source }) => source),
      isAxis: declaration.arity === "one" && sources.length > 1,
    };
    places[input] = sources.map(({ at }) => at);
  }
  return { inputs, places, mistakes };
}

/** A list of variants without the mistakes of others may be empty: then only what is always required is asked for. */
function isRequired(
  { required }: InputDeclaration,
  variants: readonly Variant[],
): boolean {
  if (typeof required === "boolean") return required;
  const { param, is } = required.unless;
  return variants.some(({ params }) => (params[param] ?? null) !== is);
}

function unknownInputs(
  kind: StageKind,
  written: StageFile["inputs"],
): Mistake[] {
  const known = Object.keys(declarationOf(kind).inputs);
  return Object.keys(written)
    .filter((input) => !known.includes(input))
    .map((input) => {
      const hint = suggest(input, known);
      return {
        code: "spec.unknown-input",
        path: ["inputs", input],
        place: "key",
        message: `a stage of kind '${kind}' has no input '${input}'`,
        ...(hint === undefined ? {} : { hint }),
      };
    });
}

type PlacedSource = { readonly source: InputSource; readonly at: SourcePlaces };

function normalizeInput(written: InputFile, path: IssuePath): PlacedSource[] {
  if (Array.isArray(written))
    return written.flatMap((item, i) => normalizeInput(item, [...path, i]));
  if (typeof written === "string")
    return [
      {
        source: { stage: written, where: {} },
        at: { stage: path, where: path },
      },
    ];
  const where = Object.fromEntries(
    Object.entries(written.where).map(([axis, values]) => [
      axis,
      Array.isArray(values) ? values : [values],
    ]),
  );
  const from = [...path, "from"];
  const wherePath = [...path, "where"];
  if (typeof written.from === "string")
    return [
      {
        source: { stage: written.from, where },
        at: { stage: from, where: wherePath },
      },
    ];
  return written.from.map((stage, i) => ({
    source: { stage, where },
    at: { stage: [...from, i], where: wherePath },
  }));
}

function repeatedSources(sources: readonly PlacedSource[]): Mistake[] {
  const seen = new Set<string>();
  return sources.flatMap(({ source, at }): Mistake[] => {
    if (!seen.has(source.stage)) {
      seen.add(source.stage);
      return [];
    }
    return [
      {
        code: "spec.duplicate-value",
        path: at.stage,
        place: "value",
        message: `the stage '${source.stage}' is already in this list`,
        hint: "`where: { axis: [a, b] }` takes several cells of one stage",
      },
    ];
  });
}

function checkSource(options: {
  readonly source: InputSource;
  readonly at: SourcePlaces;
  readonly accepts: string;
  readonly kinds: ReadonlyMap<string, StageKind | null>;
}): Mistake[] {
  const { source, at, accepts, kinds } = options;
  const kind = kinds.get(source.stage);
  if (kind === undefined) {
    const hint = suggest(source.stage, [...kinds.keys()]);
    return [
      {
        code: "spec.unknown-stage",
        path: at.stage,
        place: "value",
        message: `no stage '${source.stage}'`,
        ...(hint === undefined ? {} : { hint }),
      },
    ];
  }
  if (kind === null) return [];
  const { produces } = declarationOf(kind);
  if (produces.some((type) => type === accepts)) return [];
  const fitting = [...kinds]
    .filter(
      ([, other]) =>
        other !== null &&
        declarationOf(other).produces.some((type) => type === accepts),
    )
    .map(([name]) => name);
  return [
    {
      code: "spec.input-type",
      path: at.stage,
      place: "value",
      message: `expected a stage that produces ${accepts}, found '${source.stage}' of kind '${kind}', which produces ${produces.join(", ") || "nothing"}`,
      ...(fitting.length === 0
        ? {}
        : { hint: `produce ${accepts}: ${fitting.slice(0, 12).join(", ")}` }),
    },
  ];
}
