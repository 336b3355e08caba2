/**
 * What was seen of a run's tasks at one moment: the input of `reconcile`. A value; who looked and how is the
 * executor's business.
 */
import type { ExitCode } from "../base/errors.ts";

/**
 * How an attempt that is over came to its end, beyond its exit code. `claim`: somebody else holds the key, or took it
 * over; `stopped-by-us`: by the driver, for a person or because the driver itself ended.
 */
export type EndCause =
  "out-of-memory" | "evicted" | "lost" | "deadline" | "claim" | "stopped-by-us";

export type AttemptObservation = {
  /** 1 for the first attempt of a task in a run. */
  readonly number: number;
  readonly startedAtMs: number;
  readonly end: null | {
    readonly atMs: number;
    /** Null: killed by a signal or never seen to end. */
    readonly exitCode: ExitCode | number | null;
    readonly cause: EndCause | null;
    /** A sentence that a person can act on (invariant G): the worker's error, or its last log lines. */
    readonly reason: string;
    /** Who ran it has tried as often as the rules allow, as a Job does: the retry policy adds no tries. */
    readonly isFinal?: boolean | undefined;
  };
  /** It has been started but has no place to run yet: why, in one line. Null or absent: it runs. */
  readonly waiting?: string | null;
  /** Nothing hinders it: it waits for no more than the time that every start takes. Absent: false. */
  readonly isStarting?: boolean;
};

export type TaskObservation = {
  readonly task: string;
  /** The manifest is in the store (invariant A). */
  readonly committed: boolean;
  /** Who holds the claim on the key, for people to read, if it is no attempt that this observation shows running. */
  readonly heldBy: string | null;
  /** In order of their numbers. */
  readonly attempts: readonly AttemptObservation[];
};

export type Observation = {
  /** Tasks without an entry: nothing in the store, no attempt. */
  readonly tasks: ReadonlyMap<string, TaskObservation>;
  /** What the executor can hold at once; null: the executor queues by itself. */
  readonly capacity: null | {
    readonly cpu: number;
    readonly memoryBytes: number;
    readonly gpu: number;
  };
  /** What people asked for. */
  readonly control: RunControl;
};

export type RunControl = {
  readonly cancel: boolean;
  /** Nothing runs or starts until it is taken back; why, in one line. Null or absent: it goes on. */
  readonly suspend?: string | null;
  /** Nothing starts, what runs goes on: why, such as a budget that is used up. */
  readonly hold?: string | null;
  /** Tasks whose failures before this time do not count any more; `*`: all tasks. */
  readonly retriedAtMs: Readonly<Record<string, number>>;
};

export const noControl: RunControl = { cancel: false, retriedAtMs: {} };
