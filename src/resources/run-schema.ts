/**
 * What a `Run` may say: the schema that its CRD is generated from (`scripts/generate-crds.ts`). Its types are those of
 * `run-resource.ts`, which a test compares; every field is described, since `kubectl explain` shows it, and bounded.
 *
 * The spec is frozen but for `suspend`, `parallelism`, `priority`, `budget` and `ttlSecondsAfterFinished`: a run whose
 * pipeline changed while it ran would be two runs. A Schedule's template is the same without that rule.
 */
import { z } from "zod";
import { podsSchema } from "./schema/pods.ts";
import { runStatusSchema } from "./schema/run-status.ts";
import {
  bounded,
  objectName,
  withRules,
  type CelRule,
} from "./schema/parts.ts";

/** Fields that never change, in the order of the schema. */
const FROZEN = [
  "pipeline",
  "pipelineFrom",
  "params",
  "store",
  "pods",
  "queue",
] as const;

const coherence: readonly CelRule[] = [
  {
    rule: "has(self.pipeline) != has(self.pipelineFrom)",
    message: "one of pipeline and pipelineFrom is needed, and not both",
  },
  {
    rule: "!(has(self.queue) && has(self.parallelism))",
    message:
      "parallelism and queue exclude each other: with a queue, Kueue's quotas are the bound",
    fieldPath: ".parallelism",
  },
];

const immutability: readonly CelRule[] = FROZEN.map((field) => ({
  rule: `has(self.${field}) == has(oldSelf.${field}) && (!has(self.${field}) || self.${field} == oldSelf.${field})`,
  message: `${field} cannot be changed: create another Run; what this one has computed is found in the store`,
  fieldPath: `.${field}`,
  reason: "FieldValueForbidden" as const,
}));

/** Names of Jobs and pods begin with it, and pods of Indexed Jobs need a name without dots. */
export const shortName: CelRule = {
  rule: "self.metadata.name.size() <= 52 && !self.metadata.name.contains('.')",
  message: "metadata.name may have at most 52 characters and no dot",
};

const pipelineFrom = z
  .strictObject({
    path: z
      .string()
      .min(1)
      .max(512)
      .regex(/^[^/\s][^\s]*$/)
      .describe("Path in the store, without a leading slash."),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .max(64)
      .describe("SHA-256 of the file's bytes, in hexadecimal digits."),
  })
  .describe(
    "Where the pipeline file lies in the store, for files of more than 256 KiB.",
  );

const specFields = z.strictObject({
  pipeline: z
    .string()
    .min(1)
    .max(262_144)
    .optional()
    .describe(
      "The pipeline file as it is written, at most 256 KiB. Needed, unless pipelineFrom is there.",
    ),
  pipelineFrom: pipelineFrom.optional(),
  params: bounded(z.record(z.string(), z.string().max(4096)), 64)
    .optional()
    .describe(
      'Values for the file\'s `params`, as `-p name=value`. Numbers are written as text: "10".',
    ),
  store: z
    .string()
    .max(512)
    .regex(/^(s3:\/\/[a-z0-9][a-z0-9.-]+[a-z0-9](\/[^\s?#]*)?|file:\/\/\/\S*)$/)
    .optional()
    .describe(
      "URL of the store, s3://bucket/prefix. Default: that of the installation. Its endpoint, region and credentials come from `pods`.",
    ),
  pods: podsSchema.optional(),
  queue: objectName
    .optional()
    .describe(
      "A LocalQueue of Kueue in this namespace. Admission of Jobs is then Kueue's alone.",
    ),
  suspend: z
    .boolean()
    .optional()
    .describe(
      "True: what runs saves a checkpoint and stops, and nothing starts until it is false again. May be changed.",
    ),
  parallelism: z
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe(
      "Tasks at once, at most. Default: as many as the cluster has room for. Not with a queue. May be changed.",
    ),
  priority: objectName
    .optional()
    .describe(
      "Name of a PriorityClass, or with a queue of a WorkloadPriorityClass of Kueue, for Jobs created from now on. May be changed.",
    ),
  budget: z
    .strictObject({
      gpuHours: z
        .number()
        .min(0)
        .optional()
        .describe(
          "Hours times GPUs. When they are used up nothing more starts; what runs goes on.",
        ),
    })
    .optional()
    .describe("What the Run may use. May be changed."),
  ttlSecondsAfterFinished: z
    .int()
    .min(0)
    .max(2_147_483_647)
    .optional()
    .describe(
      "The Run is removed so many seconds after its end; its results stay in the store. Default: it stays. May be changed.",
    ),
});

const about =
  "What is to be computed. Cannot be changed but for suspend, parallelism, priority, budget and ttlSecondsAfterFinished.";

/** As in a Schedule: everything may be changed, for Runs to come. */
export const runTemplateSpecSchema = withRules(
  specFields.describe("The spec of each Run."),
  coherence,
);

export const runSpecSchema = withRules(specFields.describe(about), [
  ...coherence,
  ...immutability,
]);

export const runSchema = withRules(
  z
    .strictObject({ spec: runSpecSchema, status: runStatusSchema.optional() })
    .describe(
      "A pipeline that is driven once: its stages become Jobs, its results lie in the store.",
    ),
  [shortName],
);
