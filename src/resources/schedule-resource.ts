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
  /** Of the last ended Run: `Succeeded, everything was found in the store`. */
  readonly lastResult?: string;
  readonly backfill?: {
    readonly done: number;
    readonly total: number;
    /** The last moment that a Run was made for. */
    readonly upTo?: string;
  };
};
