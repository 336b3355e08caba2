/**
 * The report as a value: everything that the rendered files say, and nothing that depends on when, where or how
 * fast it was made. `report.json` is this value; all other files are rendered from it.
 *
 * Figures are in the printed unit and unrounded. Docs: docs/formats.md, "report".
 */
import { z } from "zod";
import { UserError } from "../base/errors.ts";

/** How figures of one section are printed. */
const print = { metric: z.string(), unit: z.string(), digits: z.int() };

const sample = z.object({
  n: z.int().min(1),
  mean: z.number(),
  sd: z.number().nullable(),
  interval: z.tuple([z.number(), z.number()]).nullable(),
  /** Single values; `at` is the place on the averaged axis, e.g. the seed. */
  values: z.array(z.object({ at: z.string(), value: z.number() })),
});

const bound = z.object({
  atLeast: z.number().optional(),
  above: z.number().optional(),
  atMost: z.number().optional(),
  below: z.number().optional(),
});

export const CLAIM_VERDICTS = ["holds", "fails", "undecided"] as const;
export const PUBLISHED_VERDICTS = [
  "reproduced",
  "better",
  "worse",
  "undecided",
] as const;

const criterion = z.object({
  of: z.enum(["mean", "every", "ci95"]),
  bound,
  /** The criterion in words, e.g. `mean at least 4.0 points`. */
  words: z.string(),
  /** What was found, in words, e.g. `+8.0`. */
  found: z.string(),
  verdict: z.enum(CLAIM_VERDICTS),
});

const claim = z.object({
  name: z.string(),
  text: z.string(),
  source: z.string().nullable(),
  ...print,
  over: z.string(),
  verdict: z.enum(CLAIM_VERDICTS),
  /** Why, in words: each criterion with what was found, then what is missing. */
  because: z.string(),
  /** Measurements that the claim needs and does not have, in words. */
  missing: z.array(z.string()),
  criteria: z.array(criterion),
  /** What was judged: the figure at each place where all arms have one. Null: nothing was measured. */
  sample: sample.nullable(),
  /** A difference, which is printed with its sign. */
  paired: z.boolean(),
  /** How the figure comes from the arms, by their names; null for one arm, or the difference of two. */
  formula: z.string().nullable().default(null),
  arms: z.array(
    z.object({
      /** In the formula. */
      name: z.string().nullable().default(null),
      label: z.string(),
      sample: sample.nullable(),
    }),
  ),
});

const published = z.object({
  label: z.string(),
  source: z.string(),
  ...print,
  value: z.number(),
  plusMinus: z.number().nullable(),
  margin: z.number(),
  higherIsBetter: z.boolean(),
  ours: sample.nullable(),
  verdict: z.enum(PUBLISHED_VERDICTS),
  because: z.string(),
});

const table = z.object({
  title: z.string(),
  ...print,
  over: z.string(),
  rowAxis: z.string(),
  /** Null: one column. */
  columnAxis: z.string().nullable(),
  rows: z.array(z.string()),
  columns: z.array(z.string()),
  /** `cells[row][column]`; null: not measured. */
  cells: z.array(z.array(sample.nullable())),
});

const points = z.array(z.tuple([z.number(), z.number()]));
const curve = z.object({
  title: z.string(),
  ...print,
  over: z.string(),
  /** Each point is the mean of this many logged steps. */
  thinning: z.int().min(1),
  lines: z.array(
    z.object({
      label: z.string(),
      /** [step, mean over runs], where all runs of the line have the step. */
      mean: points,
      runs: z.array(z.object({ at: z.string(), points })),
    }),
  ),
});

/** Base64 only: whatever a data URI can carry besides, a report does not. */
const picture = z.string().regex(/^data:image\/png;base64,[A-Za-z0-9+/]*=*$/);
const pictures = z.object({
  title: z.string(),
  items: z.array(
    z.object({
      name: z.string(),
      width: z.int(),
      height: z.int(),
      gray: picture,
      predicted: picture,
      truth: picture,
    }),
  ),
});

const cell = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean()]),
);
const measurement = z.object({
  stage: z.string(),
  cell,
  key: z.string(),
  metrics: z.record(z.string(), z.number()),
});

const artifact = z.object({
  kind: z.string(),
  contract: z.int(),
  key: z.string(),
  seed: z.int().nullable(),
  /** Null: reached through another artifact; an artifact does not know what a pipeline calls it. */
  stage: z.string().nullable(),
  cell: cell.nullable(),
  hueline: z.string(),
  tensorflow: z.string().nullable(),
});

export const reportSchema = z.object({
  version: z.literal(1),
  title: z.string(),
  summary: z.string().nullable(),
  claims: z.array(claim),
  published: z.array(published),
  tables: z.array(table),
  curves: z.array(curve),
  pictures: z.array(pictures),
  measurements: z.array(measurement),
  /** What is not in the report or was not in the data, counted (invariant J). */
  leftOut: z.array(z.object({ what: z.string(), count: z.int() })),
  provenance: z.object({ artifacts: z.array(artifact) }),
});

export type ReportValue = z.output<typeof reportSchema>;
export type Sample = z.output<typeof sample>;
export type Claim = z.output<typeof claim>;
export type Criterion = z.output<typeof criterion>;
export type ClaimVerdict = Claim["verdict"];
export type Published = z.output<typeof published>;
export type PublishedVerdict = Published["verdict"];
export type ReportTable = z.output<typeof table>;
export type Curve = z.output<typeof curve>;
export type PictureSet = z.output<typeof pictures>;
export type Measurement = z.output<typeof measurement>;
export type ArtifactFact = z.output<typeof artifact>;

/** Reads `report.json`. Throws `report.unreadable` for anything that is not a report of this version. */
export function parseReport(text: string, place = "report.json"): ReportValue {
  try {
    return reportSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new UserError({
      code: "report.unreadable",
      message: `expected a report of version 1 in ${place}, found something else`,
      hint: "run the pipeline again: the report stage writes it anew",
      cause,
    });
  }
}

/** The bytes of `report.json`: indented, with points and intervals on one line each. */
export function renderJson(value: ReportValue): string {
  // A string can not hold a raw line break in JSON, so only brackets of the structure match.
  const pairs = /\[\n\s*([^\s[\]{}"]+),\n\s*([^\s[\]{}"]+)\n\s*\]/g;
  return `${JSON.stringify(value, null, 2).replace(pairs, "[$1, $2]")}\n`;
}
