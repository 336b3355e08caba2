/**
 * A `Schedule` of `hueline.dev/v1alpha1`: Runs at moments of a clock (as `CronJob`, batch/v1, where the words are the same).
 */
import type { KubeObject } from "../kube/kube.ts";
import type { Condition, RunSpec } from "./run-resource.ts";

export type Schedule = KubeObject & {
  readonly spec: ScheduleSpec;
  readonly status?: ScheduleStatus;
};

export type ScheduleSpec = {
  /** Five fields of cron, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. */
  readonly schedule: string;
  /** An IANA name; default `Etc/UTC`. */
  readonly timeZone?: string;
  readonly concurrencyPolicy?: "Allow" | "Forbid" | "Replace";
  /** A moment that was missed by more than this is skipped, and counted. */
  readonly startingDeadlineSeconds?: number;
  /** Runs start up to so long after the moment, always the same time for the same Schedule and moment. */
  readonly jitterSeconds?: number;
  readonly suspend?: boolean;
  /** Default 3; of failed and cancelled ones 1. */
  readonly successfulRunsHistoryLimit?: number;
  readonly failedRunsHistoryLimit?: number;
  /** Moments of the past to run as well, oldest first, `maxAtOnce` at a time. */
  readonly backfill?: {
    readonly from: string;
    readonly to: string;
    readonly maxAtOnce?: number;
  };
  /** What each Run is. Params may use `${schedule.time}` and `${schedule.date}`. */
  readonly run: {
    readonly metadata?: {
      readonly labels?: Readonly<Record<string, string>>;
      readonly annotations?: Readonly<Record<string, string>>;
    };
    readonly spec: RunSpec;
  };
};

export type ScheduleStatus = {
  readonly observedGeneration: number;
  readonly conditions: readonly (Omit<Condition, "type"> & {
    readonly type: "Ready" | "Degraded";
  })[];
  readonly lastScheduleTime?: string;
  readonly lastSuccessfulTime?: string;
  readonly nextScheduleTime?: string;
  /** Names of Runs that have not ended; at most 20. */
  readonly active?: readonly string[];
  /** Moments skipped since the Schedule is there: concurrency, deadline. */
  readonly skipped?: number;
  /** When a Run last ended, and how: `Succeeded, everything was found in the store`. */
  readonly lastEndTime?: string;
  readonly lastResult?: string;
  readonly backfill?: {
    /** Range, schedule and time zone that the figures are of: another one begins anew. */
    readonly of: string;
    readonly total: number;
    /** Moments that a Run was made for … */
    readonly started: number;
    /** … and of these, Runs that have ended. */
    readonly done: number;
    /** The last moment that a Run was made for. */
    readonly upTo?: string;
  };
};
