/**
 * What a stage's run function gets and gives. A stage reads its inputs from the store, computes, writes files under
 * its attempt's prefix, and returns metrics; the worker commits the manifest (invariants A, B).
 */
import type { Logger } from "../base/log.ts";
import type {
  InputReference,
  TaskDescription,
} from "../plan/task-description.ts";
import type { TaskKind } from "../plan/plan.ts";
import type { Cadence } from "../spec/pipeline-spec.ts";
import type { StageKind, StageParams } from "../spec/stage-kinds.ts";
import type { ArtifactWriter } from "../store/artifacts/artifact.ts";
import type { CheckpointStore } from "../store/checkpoints/checkpoints.ts";
import type { Manifest } from "../store/artifacts/manifest.ts";
import type { Store } from "../store/store.ts";
import type { LoaderUse } from "../train/loader-meter.ts";

/** One upstream artifact: its reference in the plan and its commit. */
export type InputArtifact = InputReference & { readonly manifest: Manifest };

/** Writes files of this artifact: paths relative to the attempt, e.g. `weights.safetensors`. */
export type StageOutput = Pick<ArtifactWriter, "write" | "writeStream">;

export type StageProgress = {
  readonly step: number;
  readonly steps: number;
  readonly detail: string;
  /** Where the time of what reads images went since the last report; null or absent: nothing reads meanwhile. */
  readonly loader?: LoaderUse | null;
};

/** Threads, memory and a folder for what reads images: they decide how fast, never what. */
export type LoaderSettings = {
  /** 0: as many as cores. */
  readonly workers: number;
  /** Largest sum of bytes to hold. */
  readonly maxBytes: number;
  readonly cache: {
    readonly directory: string;
    readonly maxBytes: number;
  } | null;
  /** Told what its threads read from the store, which they open themselves. */
  fetched(sizeBytes: number): void;
};

/** Where TensorFlow's native library is and how it may be used. Loading it is the stage's business, and late. */
export type EngineOptions = {
  readonly directory: string;
  readonly threads: number;
};

export type StageContext<K extends TaskKind = TaskKind> = {
  readonly description: TaskDescription;
  readonly params: K extends StageKind ? StageParams<K> : StageParams<"shard">;
  /** The task's seed; 0 for kinds without one. */
  readonly seed: number;
  readonly inputs: Readonly<Record<string, readonly InputArtifact[]>>;
  readonly store: Store;
  readonly output: StageOutput;
  readonly checkpoints: CheckpointStore;
  /** Null: the stage's own. */
  readonly checkpointEvery: Cadence | null;
  readonly engine: EngineOptions;
  readonly loader: LoaderSettings;
  readonly log: Logger;
  /** Aborts when the worker is told to stop: save a checkpoint and throw `StoppedError`. */
  readonly signal: AbortSignal;
  progress(progress: StageProgress): void;
};

export type StageResult = {
  /** Final figures, by name; they go into the manifest. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Where the time of what read images went; null or absent: nothing was read while computing. */
  readonly loader?: LoaderUse | null;
};

export type RunStage<K extends TaskKind> = (
  context: StageContext<K>,
) => Promise<StageResult>;
