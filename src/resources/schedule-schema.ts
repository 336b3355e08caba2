/**
 * What a `Schedule` may say: the schema that its CRD is generated from. Its types are those of `schedule-resource.ts`,
 * which a test compares. Everything may be changed: a Schedule only says what Runs to come look like.
 *
 * The shape of `schedule` is checked here, as far as a rule can; whether a time zone exists, the server is asked. What
 * is left (the 60th minute, the 30th of February) is found by `schedule/moments.ts` and told in the status.
 */
import { z } from "zod";
import { CRON_SHAPE } from "./schedule/moments.ts";
import { runTemplateSpecSchema, shortName } from "./run-schema.ts";
import {
  bounded,
  count,
  labelMap,
  moment,
  objectName,
  withListType,
  withRules,
} from "./schema/parts.ts";
import { conditionsOf } from "./schema/run-status.ts";

const limit = z.int().min(0).max(1000);

const cron = withRules(
  z
    .string()
    .min(1)
    .max(128)
    .describe(
      "Five fields of cron (minute, hour, day of month, month, day of week), or @hourly, @daily, @weekly, @monthly, @yearly. A time of day that a change of clocks leaves out is run right after the gap; one that comes twice is run once.",
    ),
  [
    {
      rule: `self.matches('${CRON_SHAPE.source}')`,
      message:
        "not a schedule: expected five fields of cron, such as 30 2 * * MON-FRI, or @hourly, @daily, @weekly, @monthly, @yearly",
    },
  ],
);

const timeZone = withRules(
  z
    .string()
    .min(1)
    .max(64)
    .regex(/^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+){0,2}$/),
  [
    {
      rule: "self != 'Local' && timestamp('2000-01-01T00:00:00Z').getHours(self) >= 0",
      message: "not a time zone: expected an IANA name, such as Europe/Zurich",
    },
  ],
);

const backfill = withRules(
  z
    .strictObject({
      from: moment.describe("The first moment, inclusive."),
      to: moment.describe("The end, exclusive."),
      maxAtOnce: z
        .int()
        .min(1)
        .max(100)
        .optional()
        .describe("Runs of the backfill at once. Default: 1."),
    })
    .describe(
      "Moments of the past to run as well, oldest first, at most 5000 of them.",
    ),
  [{ rule: "self.from < self.to", message: "from must be before to" }],
);

const template = z
  .strictObject({
    metadata: z
      .strictObject({
        labels: labelMap.optional().describe("Labels of each Run."),
        annotations: bounded(z.record(z.string(), z.string().max(4096)), 32)
          .optional()
          .describe("Annotations of each Run."),
      })
      .optional()
      .describe("What each Run carries."),
    spec: runTemplateSpecSchema,
  })
  .describe(
    "What each Run is. Values of `params` may use ${schedule.time}, the moment in UTC, and ${schedule.date}, its date in the time zone.",
  );

export const scheduleSpecSchema = z
  .strictObject({
    schedule: cron,
    timeZone: timeZone
      .optional()
      .describe("IANA name of the time zone. Default: Etc/UTC."),
    concurrencyPolicy: z
      .enum(["Allow", "Forbid", "Replace"])
      .optional()
      .describe(
        "When a moment comes while a Run of the Schedule has not ended. Allow: both run; this is the default. Forbid: the new one waits for the end, and is skipped if the next moment comes first. Replace: the old one is removed.",
      ),
    startingDeadlineSeconds: z
      .int()
      .min(10)
      .max(31_536_000)
      .optional()
      .describe(
        "A moment that was missed by more than this is skipped. Default: however late.",
      ),
    jitterSeconds: z
      .int()
      .min(0)
      .max(86_400)
      .optional()
      .describe(
        "Runs start up to so long after the moment, and before the next one; always the same time for the same moment. Default: 0.",
      ),
    suspend: z
      .boolean()
      .optional()
      .describe("True: no Run is started. Those that are there go on."),
    successfulRunsHistoryLimit: limit
      .optional()
      .describe(
        "Runs that succeeded and are kept as objects. Default: 3. Results stay in the store.",
      ),
    failedRunsHistoryLimit: limit
      .optional()
      .describe(
        "Runs that failed or were cancelled and are kept as objects. Default: 1.",
      ),
    backfill: backfill.optional(),
    run: template,
  })
  .describe("When Runs are started, and what they are.");

const scheduleStatusSchema = z
  .strictObject({
    observedGeneration: count.describe(
      "The generation of the Schedule that the status is of.",
    ),
    conditions: conditionsOf(["Ready", "Degraded"]).describe(
      "Ready: moments are waited for. Degraded: something hinders it.",
    ),
    lastScheduleTime: moment
      .optional()
      .describe("The last moment that was started or skipped."),
    lastSuccessfulTime: moment
      .optional()
      .describe("When a Run last succeeded."),
    nextScheduleTime: moment.optional().describe("The next moment."),
    active: withListType(z.array(objectName).max(20), "atomic")
      .optional()
      .describe("Names of Runs that have not ended, at most 20."),
    skipped: count
      .optional()
      .describe(
        "Moments that were skipped: deadline, concurrency, nobody looked. Of more than 100 at once, 100 are counted.",
      ),
    lastEndTime: moment.optional().describe("When a Run last ended."),
    lastResult: z.string().max(512).optional().describe("How that Run ended."),
    backfill: z
      .strictObject({
        of: z
          .string()
          .max(512)
          .describe("The range, the schedule and the time zone that it is of."),
        total: count.describe("Moments of the range."),
        started: count.describe("Moments that a Run was made for."),
        done: count.describe("Of these, Runs that have ended."),
        upTo: moment
          .optional()
          .describe("The last moment that a Run was made for."),
      })
      .optional()
      .describe("How far the backfill is."),
  })
  .describe("What is seen of the Schedule. Written by the controller alone.");

export const scheduleSchema = withRules(
  z
    .strictObject({
      spec: scheduleSpecSchema,
      status: scheduleStatusSchema.optional(),
    })
    .describe("Runs at moments of a clock."),
  [shortName],
);
