/** Parameters of `report`: the tables to print, and the criteria that were fixed before the run. */
import { z } from "zod";

const cellValue = z.union([z.string(), z.number(), z.boolean()]);
const selector = z
  .record(z.string(), z.union([cellValue, z.array(cellValue)]))
  .describe(
    "Only cells with these values on these axes; `stage` names the stage that measured.",
  );
const where = selector.default({});

const bound = z.strictObject({
  atLeast: z.number().optional(),
  above: z.number().optional(),
  atMost: z.number().optional(),
  below: z.number().optional(),
});

const table = z.strictObject({
  title: z.string(),
  metric: z.string().describe("A key of the measurements, e.g. `accuracy`."),
  rows: z.string().describe("The axis whose values are the rows."),
  columns: z
    .string()
    .optional()
    .describe("The axis whose values are the columns."),
  over: z
    .string()
    .default("seed")
    .describe("The axis that mean and spread are taken over."),
  where,
  unit: z.string().default(""),
  scale: z
    .number()
    .default(1)
    .describe("Printed value = measured value times this."),
  digits: z.int().min(0).max(6).default(1),
});

const claim = z
  .strictObject({
    name: z.string(),
    text: z.string().describe("The claim as a sentence."),
    metric: z.string(),
    scale: z.number().default(1),
    where,
    of: where.describe("The arm that the claim is about."),
    minus: where
      .optional()
      .describe(
        "The arm it is compared with, paired over `over`; without it, `of` itself.",
      ),
    over: z.string().default("seed"),
    pass: z.strictObject({
      mean: bound.optional().describe("What the mean over `over` must be."),
      every: bound.optional().describe("What each single value must be."),
      ci95: bound
        .optional()
        .describe(
          "What the whole 95 % confidence interval of the mean must be.",
        ),
    }),
    source: z.string().optional().describe("Where the claim comes from."),
  })
  .describe("A claim and its criterion, fixed before the run.");

const paperCell = z.strictObject({
  where,
  metric: z.string(),
  value: z.number(),
  plusMinus: z
    .number()
    .positive()
    .optional()
    .describe("The published uncertainty."),
  margin: z
    .number()
    .positive()
    .default(1)
    .describe("A difference smaller than this counts as reproduced."),
  higherIsBetter: z.boolean().default(true),
  scale: z.number().default(1),
  source: z.string(),
});

export const reportParams = z.strictObject({
  title: z.string(),
  summary: z.string().optional(),
  tables: z.array(table).default([]),
  claims: z.array(claim).default([]),
  paper: z
    .array(paperCell)
    .default([])
    .describe("Published cells; each becomes a verdict."),
  curves: z
    .array(
      z.strictObject({
        title: z.string(),
        metric: z.string().describe("A metric of metrics.jsonl, e.g. `loss`."),
        lines: z
          .string()
          .default("stage")
          .describe("The axis whose values are the lines; seeds are averaged."),
        where,
      }),
    )
    .default([]),
});
