/** What a worker is given, and what the parts of it that do one task share. */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { TaskKind } from "../plan/plan.ts";
import type { TaskDescription } from "../plan/task-description.ts";
import type { LoaderSettings, RunStage } from "../stages/stage.ts";
import type { Store } from "../store/store.ts";
import type { WorkerFacts } from "./facts.ts";
import type { ProgressLog } from "./progress-log.ts";
import type { Grace } from "./stop-grace.ts";

/** The run function of each kind, as `stages/stages.ts` has them. */
export type StageTable = { readonly [K in TaskKind]: RunStage<K> };

export type PackedTask = { readonly pack: string; readonly index: number };

export type WorkerOptions = {
  readonly store: Store;
  readonly run: string;
  /** Its name, or its place in a pack of the run. */
  readonly task: string | PackedTask;
  /** Where TensorFlow's native library is; only stages that compute look there. */
  readonly engineDirectory: string;
  /** Where stages that read photographs keep what they fetched; null or absent: nowhere. */
  readonly cache?: LoaderSettings["cache"];
  /** What a stop may take; null or absent: not known. */
  readonly grace?: Grace | null;
  /** It ends the task itself when that is over its time limit; else whoever started it does. */
  readonly keepsTime?: boolean;
  /** Told as soon as it is known which task it is. */
  readonly onTask?: (task: string) => void;
  /** Aborts when the process is told to stop, or when its driver is gone. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly stages: StageTable;
  readonly facts: WorkerFacts;
  readonly clock?: Clock;
};

/** One task, with everything that doing it takes. */
export type Work = Omit<
  Required<WorkerOptions>,
  "task" | "run" | "keepsTime" | "onTask"
> & {
  readonly description: TaskDescription;
  readonly progress: ProgressLog;
  readonly addRead: (sizeBytes: number) => void;
  readonly addWritten: (sizeBytes: number) => void;
  readonly startedAtMs: number;
};
