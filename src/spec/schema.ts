/**
 * The shape of a pipeline file, before anything is known of its stages: which keys there are and of what type.
 * What a stage's `with` may hold is declared by its kind; how stages fit together is checked in `check/`.
 */
import { z } from "zod";
import type { JsonValue } from "./pipeline-spec.ts";
import { STAGE_KINDS } from "./stage-kinds.ts";
import { count, durationMs, memoryBytes } from "./params/units.ts";

/** Anything: the document's reader made it, so it is JSON already; checking it again would cost more than reading it. */
const json = z.custom<JsonValue>();
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const seed = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const seeds = z
  .array(seed)
  .min(1)
  .describe("Values of the axis `seed` of every stage that uses randomness.");

export const whereSchema = z
  .record(z.string(), z.union([scalar, z.array(scalar).min(1)]))
  .describe("Only upstream cells with these values on these axes.");

const stageName = z.string().describe("The name of a stage.");
const sourceSchema = z.union([
  stageName,
  z.strictObject({
    from: z.union([stageName, z.array(stageName).min(1)]),
    where: whereSchema.default({}),
  }),
]);

export const inputSchema = z
  .union([sourceSchema, z.array(sourceSchema).min(1)])
  .describe(
    "A stage, `{ from, where }`, or a list of them: a list is an axis named after the input.",
  );

const axisValue = z.union([scalar, z.record(z.string(), json)]);

export const matrixSchema = z
  .object({
    include: z
      .array(z.record(z.string(), json))
      .default([])
      .describe(
        "Adds parameters to the combinations it matches, or a combination that the axes do not have.",
      ),
    exclude: z
      .array(z.record(z.string(), z.union([scalar, z.array(scalar).min(1)])))
      .default([])
      .describe("Leaves out the combinations that have all of these values."),
  })
  .catchall(z.array(axisValue).min(1))
  .describe(
    "Axes: each is a parameter of the stage with a list of values; an object among them needs a `name`.",
  );

export const resourcesSchema = z
  .strictObject({
    cpu: z.number().positive().optional().describe("Cores."),
    memory: memoryBytes.optional().describe("Such as 512Mi or 48Gi."),
    memoryMax: memoryBytes
      .optional()
      .describe(
        "A task that ran out of memory is tried once more with so much; without it, it has failed.",
      ),
    gpu: z.int().min(0).optional().describe("Whole devices."),
    workers: z
      .int()
      .min(1)
      .max(64)
      .optional()
      .describe(
        "Threads that read, decode and crop photographs; as many as cores where not given.",
      ),
  })
  .describe("What one task needs; the kind's own figures where not given.");

/** `500`, `10k`: steps; `10m`: time. */
const cadence = z.union([
  z
    .int()
    .positive()
    .transform((steps) => ({ steps })),
  z
    .string()
    .regex(
      /^\d+(?:\.\d+)?(?:k|M|ms|s|m|h|d)?$/,
      "expected steps such as 500 or 10k, or a time such as 10m",
    )
    .transform((text) => {
      const steps = count.safeParse(text);
      return steps.success
        ? { steps: steps.data }
        : { ms: durationMs.parse(text) };
    }),
]);

const bestOf = z.union([
  z.string().transform((metric) => ({ metric, mode: "min" as const })),
  z
    .strictObject({ min: z.string() })
    .transform(({ min }) => ({ metric: min, mode: "min" as const })),
  z
    .strictObject({ max: z.string() })
    .transform(({ max }) => ({ metric: max, mode: "max" as const })),
]);

export const checkpointSchema = z
  .strictObject({
    every: cadence
      .optional()
      .describe("Steps between two checkpoints (500, 10k), or time (10m)."),
    keep: z
      .strictObject({
        last: count
          .optional()
          .describe("The newest ones, until the task is done; 2."),
        every: count
          .optional()
          .describe("Those of every so many steps, for good."),
        best: bestOf
          .optional()
          .describe(
            "The best one by a metric of the curve, for good: a name (the least), { min: name } or { max: name }.",
          ),
      })
      .optional()
      .describe("Which checkpoints stay."),
    outage: durationMs
      .optional()
      .describe(
        "How long a save is tried again when the store is away, before the attempt fails; 30m.",
      ),
  })
  .describe("How a training saves itself; decides no result.");

export const stageSchema = z.strictObject({
  kind: z.enum(STAGE_KINDS).describe("What the stage does."),
  description: z.string().optional().describe("A sentence for people."),
  with: z
    .record(z.string(), json)
    .default({})
    .describe("Parameters of the stage's kind."),
  inputs: z
    .record(z.string(), inputSchema)
    .default({})
    .describe("Input name → where it comes from."),
  matrix: matrixSchema.optional(),
  seeds: seeds.optional(),
  seed: seed
    .optional()
    .describe(
      "One fixed seed: no axis, so that all downstream seeds share it.",
    ),
  resources: resourcesSchema.prefault({}),
  checkpoint: checkpointSchema.optional(),
  timeout: durationMs
    .optional()
    .describe("An attempt that takes longer is stopped and counts as failed."),
});

/** The pipeline around its stages: each stage is checked on its own, so that its mistakes hide no others. */
export const headSchema = z.strictObject({
  name: z.string().describe("A DNS label; runs are named after it."),
  description: z.string().default(""),
  params: z
    .record(z.string(), z.union([scalar, z.array(scalar)]))
    .default({})
    .describe(
      "Overridable with -p name=value, typed by their default; used as ${params.name}.",
    ),
  seeds: seeds.default([0]),
  stages: z
    .record(z.string(), json)
    .describe("Stage name → what it does and what it reads."),
});

export type StageFile = z.output<typeof stageSchema>;
export type InputFile = z.output<typeof inputSchema>;
export type MatrixFile = z.output<typeof matrixSchema>;
