/** The schema of a Run's status. Its bounds together keep it below 32 KiB (invariant E); `run-status.ts` keeps them. */
import { z } from "zod";
import { bounds } from "../bounds.ts";
import { count, moment, withListType } from "./parts.ts";


const line = (most: number): z.ZodString => z.string().max(most);

export function conditionsOf<const T extends readonly [string, ...string[]]>(
  types: T,
) {
  const condition = z
    .strictObject({
      type: z.enum(types).describe("What it is about."),
      status: z
        .enum(["True", "False", "Unknown"])
        .describe("Whether it is so."),
      reason: z
        .string()
        .min(1)
        .max(128)
        .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
        .describe("Why, in a word for programs."),
      message: line(1024).describe("Why, in a sentence for people."),
      lastTransitionTime: moment.describe("When the status last changed."),
      observedGeneration: count.describe(
        "The generation of the object that it was said of.",
      ),
    })
    .describe("One side of the state, as metav1.Condition.");
  return withListType(z.array(condition).max(bounds.conditions), {
    map: "type",
  });
}

const receipt = z
  .strictObject({
    digest: line(64).describe("SHA-256 of the plan."),
    tasks: count.describe("Tasks of the plan."),
    cached: count.describe("Found in the store when it was planned."),
    shared: count.describe("Computed by another run at that moment."),
    peakGpus: count.describe("GPUs in use if all that can run at once does."),
    gpuHours: line(32)
      .optional()
      .describe(
        "Hours times GPUs, as earlier runs of the same stages took; absent: nothing like it has run.",
      ),
    quota: line(512)
      .optional()
      .describe(
        "Whether quotas of the namespace allow the largest task: `fits`, or what does not.",
      ),
  })
  .describe("What the plan is, said once it is made.");

const counts = z
  .strictObject({
    total: count.describe("All tasks."),
    succeeded: count.describe("Their artifacts are in the store."),
    cached: count.describe("Of the succeeded: not computed by this Run."),
    running: count.describe("A pod works on them."),
    pending: count.describe("They wait: for inputs, for room, for others."),
    failed: count.describe("They have failed for good."),
    skipped: count.describe("An input of theirs has failed."),
    cancelled: count.describe("They were not started before the Run's cancel."),
  })
  .describe("Tasks by phase.");

const stage = z
  .strictObject({
    stage: line(63).min(1).describe("Name of the stage."),
    kind: line(63).describe("What it does."),
    tasks: count.describe("Tasks of the stage."),
    succeeded: count.describe("Tasks that are done."),
    cached: count.describe("Of the succeeded: not computed by this Run."),
    running: count.describe("Tasks that a pod works on."),
    failed: count.describe("Tasks that have failed."),
  })
  .describe("Tasks of one stage.");

const note = z
  .strictObject({
    task: line(63).describe("Name of the task."),
    phase: line(32).describe("Its phase."),
    reason: line(600).describe("Why it waits, or how it failed."),
    attempts: count.describe("Attempts so far."),
  })
  .describe("A task that needs a word.");

export const runStatusSchema = z
  .strictObject({
    phase: z
      .enum([
        "Planning",
        "Pending",
        "Running",
        "Suspended",
        "Succeeded",
        "Failed",
        "Cancelled",
      ])
      .describe("Where the Run stands."),
    reason: line(1024).describe(
      "Why it waits, how it failed, or how far it is, in one line.",
    ),
    observedGeneration: count.describe(
      "The generation of the Run that the status is of.",
    ),
    conditions: conditionsOf([
      "Planned",
      "Admitted",
      "Progressing",
      "Succeeded",
      "Failed",
      "Suspended",
      "Degraded",
    ]).describe(
      "Planned, Admitted, Progressing, Suspended, Degraded, Succeeded and Failed; the last two stay once one is True.",
    ),
    startedAt: moment.optional().describe("When it was first looked at."),
    finishedAt: moment.optional().describe("When it came to its end."),
    store: line(512)
      .optional()
      .describe("URL of the store where its results and records are."),
    storeRun: line(63).optional().describe("Id of the run in that store."),
    plan: receipt.optional(),
    counts: counts.optional(),
    done: line(32).optional().describe("Tasks done, of all: 12/40."),
    gpuHours: line(32)
      .optional()
      .describe("Hours times GPUs that its pods have used so far."),
    // One writer; merged by stage, 50 rows would cost 8 KiB more in managedFields, at each write.
    stages: withListType(z.array(stage).max(bounds.stages), "atomic")
      .optional()
      .describe("Tasks by stage, at most 50 rows; the last one sums up the rest."),
    notes: withListType(z.array(note).max(bounds.notes), "atomic")
      .optional()
      .describe("Tasks that need a word, failed ones first, at most 20."),
  })
  .describe("What is seen of the Run. Written by the controller alone.");
