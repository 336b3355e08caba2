/**
 * Parameters of `report`: what to print, and the criteria that were fixed before the run.
 *
 * A selector names cells by axis values; the axis `stage` is the stage that measured. What is selected for one
 * printed figure may differ along one axis only, `over` (the seed): a figure that silently averaged two label
 * budgets would be worse than none, so such a mixture is an error of the pipeline file.
 * Values are multiplied by `scale` before anything is printed or judged, so every bound, margin and published
 * value is written in the printed unit.
 *
 * A claim is of one arm (`of`), of the difference of two (`of`, `minus`), or of a formula over named arms (`arms`,
 * `value`): a difference of differences, a ratio. Whichever it is, it has one value at each place of `over`.
 */
import { z } from "zod";
import { namesOf, parseFormula } from "../formula.ts";

const cellValue = z.union([z.string(), z.number(), z.boolean()]);
const selector = z
  .record(z.string(), z.union([cellValue, z.array(cellValue)]))
  .describe(
    "Only cells with these values on these axes; `stage` names the stage that measured.",
  );
const where = selector.default({});
const over = z
  .string()
  .default("seed")
  .describe("The axis that mean and spread are taken over.");
const axes = z.union([z.string(), z.array(z.string()).min(1)]);

/** How the values of a metric are printed. */
const print = {
  unit: z
    .string()
    .default("")
    .describe("Printed behind values, e.g. `%` or `points`."),
  scale: z
    .number()
    .default(1)
    .describe("Printed value = measured value times this."),
  digits: z
    .int()
    .min(0)
    .max(6)
    .default(1)
    .describe("Digits behind the point in print; judging uses all digits."),
};

const bound = z
  .strictObject({
    atLeast: z.number().optional(),
    above: z.number().optional(),
    atMost: z.number().optional(),
    below: z.number().optional(),
  })
  .refine((given) => Object.keys(given).length > 0, {
    message: "give at least one of atLeast, above, atMost, below",
  });

const table = z.strictObject({
  title: z.string(),
  metric: z.string().describe("A key of the measurements, e.g. `accuracy`."),
  rows: axes.describe("The axis, or axes, whose values are the rows."),
  columns: z
    .string()
    .optional()
    .describe("The axis whose values are the columns."),
  over,
  where,
  ...print,
});

const claim = z
  .strictObject({
    name: z.string(),
    text: z.string().describe("The claim as a sentence."),
    metric: z.string(),
    where,
    of: selector
      .optional()
      .describe("The arm that the claim is about; all that `where` leaves."),
    minus: selector
      .optional()
      .describe(
        "The arm it is compared with, paired over `over`; without it, `of` itself.",
      ),
    arms: z
      .record(z.string(), selector)
      .optional()
      .describe(
        "Instead of `of` and `minus`: the arms that `value` calculates with, by name.",
      ),
    value: z
      .string()
      .optional()
      .describe(
        "What is judged, from the arms' values at the same place of `over`: names, numbers, + - * / and brackets, e.g. `(all - none) - (otherAll - otherNone)` or `few / fewRandom - many / manyRandom`.",
      ),
    over,
    ...print,
    pass: z
      .strictObject({
        mean: bound.optional().describe("What the mean over `over` must be."),
        every: bound.optional().describe("What each single value must be."),
        ci95: bound
          .optional()
          .describe(
            "What the whole 95 % confidence interval of the mean must be.",
          ),
      })
      .refine((given) => Object.keys(given).length > 0, {
        message: "give at least one of mean, every, ci95",
      }),
    source: z
      .string()
      .optional()
      .describe(
        "Where the claim was published; then its verdict says reproduced or not.",
      ),
  })
  .superRefine(({ of, minus, arms, value }, { addIssue }) => {
    for (const { path, message } of mistakesOfForm({ of, minus, arms, value }))
      addIssue({ code: "custom", path: [...path], message });
  })
  .describe("A claim and its criterion, fixed before the run.");

/** As formulas spell names; a hyphen would be a minus. */
const ARM_NAME = /^[A-Za-z]\w*$/;

type ClaimForm = {
  readonly of?: unknown;
  readonly minus?: unknown;
  readonly arms?: Readonly<Record<string, unknown>> | undefined;
  readonly value?: string | undefined;
};
type FormMistake = {
  readonly path: readonly string[];
  readonly message: string;
};

/** A claim is of one arm, of two, or of a formula over named ones; a formula uses all of its arms and no others. */
function mistakesOfForm({ of, minus, arms, value }: ClaimForm): FormMistake[] {
  if (arms === undefined && value === undefined) return [];
  if (arms === undefined)
    return [{ path: ["value"], message: "`value` needs the `arms` it names" }];
  if (value === undefined)
    return [{ path: ["arms"], message: "`arms` need the `value` they give" }];
  if (of !== undefined || minus !== undefined)
    return [
      {
        path: ["arms"],
        message: "give either of and minus, or arms and value",
      },
    ];
  const parsed = parseFormula(value);
  if (!parsed.ok)
    return [{ path: ["value"], message: `no formula: ${parsed.message}` }];
  const used = namesOf(parsed.formula);
  const known = Object.keys(arms);
  const badNames = known.filter((name) => !ARM_NAME.test(name));
  if (badNames.length > 0)
    return badNames.map((name) => ({
      path: ["arms", name],
      message: `'${name}' is no name for a formula: begin with a letter, go on with letters, digits and _`,
    }));
  return [
    ...used
      .filter((name) => !known.includes(name))
      .map((name) => ({
        path: ["value"],
        message: `no arm '${name}'; there are ${known.join(", ")}`,
      })),
    ...known
      .filter((name) => !used.includes(name))
      .map((name) => ({
        path: ["arms", name],
        message: `the value does not use the arm '${name}'`,
      })),
  ];
}

const paperCell = z.strictObject({
  where,
  metric: z.string(),
  over,
  value: z.number().describe("The published value, in the printed unit."),
  plusMinus: z
    .number()
    .positive()
    .optional()
    .describe("The published uncertainty, as half of a 95 % interval."),
  margin: z
    .number()
    .positive()
    .default(1)
    .describe("A difference smaller than this counts as reproduced."),
  higherIsBetter: z.boolean().default(true),
  ...print,
  source: z.string(),
});

const curve = z.strictObject({
  title: z.string(),
  metric: z.string().describe("A metric of metrics.jsonl, e.g. `loss`."),
  lines: axes
    .default("stage")
    .describe("The axis, or axes, whose values are the lines."),
  over,
  where,
  ...print,
  digits: z.int().min(0).max(6).default(2),
});

export const reportParams = z.strictObject({
  title: z.string(),
  summary: z.string().optional(),
  names: z
    .record(z.string(), z.string())
    .default({})
    .describe(
      "What axes and their values are called in print: `AXIS: words` and `AXIS=VALUE: words`.",
    ),
  tables: z.array(table).default([]),
  claims: z.array(claim).default([]),
  paper: z
    .array(paperCell)
    .default([])
    .describe("Published cells; each becomes a verdict."),
  curves: z.array(curve).default([]),
});

/** Parameters of `report` after defaults. */
export type ReportParams = z.output<typeof reportParams>;
/** What a criterion asks of a number. */
export type Bound = z.output<typeof bound>;
