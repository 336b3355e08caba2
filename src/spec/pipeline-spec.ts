/**
 * The value that a pipeline file means: checked, with defaults filled in and `${params.…}` replaced. Frozen.
 *
 * A stage holds its own variants only (its matrix, one entry per combination of its axes, each with parameters that
 * its kind's schema accepted). How variants combine with upstream cells and seeds is `cells.ts`.
 * Positions in the file are not kept: whoever holds a spec has no mistakes left to point at.
 */
import type { StageKind } from "./stage-kinds.ts";

/** More tasks than this are a mistake in a matrix. */
export const MAX_TASKS = 1_000_000;

export type CellValue = string | number | boolean;
/** One combination of axis values. An axis whose values are objects has their `name` here. */
export type Cell = Readonly<Record<string, CellValue>>;

/** Cells that have one of the values on every axis named. */
export type Selector = Readonly<
  Record<string, CellValue | readonly CellValue[]>
>;

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };
export type JsonObject = { readonly [key: string]: JsonValue };

export type Resources = {
  readonly cpu: number;
  readonly memoryBytes: number;
  /** What a task gets after it ran out of memory, once; absent: then it has failed. */
  readonly memoryMaxBytes?: number;
  readonly gpu: number;
  /** Threads that read photographs; as many as cores where absent. */
  readonly workers?: number;
};

/** One upstream stage of an input, and which of its cells. */
export type InputSource = {
  readonly stage: string;
  readonly where: Selector;
};

export type InputSpec = {
  readonly sources: readonly InputSource[];
  /** The input was written as a list of stages: an axis named after the input, whose values are their names. */
  readonly isAxis: boolean;
};

export type Variant = {
  /** Values on the stage's own axes. */
  readonly cell: Cell;
  readonly params: JsonObject;
};

/** When a training saves itself: after so many steps, or so much time. */
export type Cadence = { readonly steps: number } | { readonly ms: number };

/** Which checkpoints stay: `last` until the task is committed, the others as long as its artifact. */
export type KeepSpec = {
  readonly last: number;
  readonly everySteps: number | null;
  readonly best: {
    readonly metric: string;
    readonly mode: "min" | "max";
  } | null;
  /** Those of these steps, until the task is done: what it commits is made of them. Said by the stage, not the file. */
  readonly steps?: readonly number[] | undefined;
};

export type CheckpointSpec = {
  /** Null: the stage's own. */
  readonly every: Cadence | null;
  readonly keep: KeepSpec;
  /** How long a save may wait for the store. */
  readonly outageMs: number;
};

export type StageSpec = {
  readonly name: string;
  readonly kind: StageKind;
  /** In the order of the kind's declaration. */
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly variants: readonly Variant[];
  /** Combinations to leave out that also name inherited axes; those of own axes alone are gone from `variants`. */
  readonly exclude: readonly Selector[];
  /** The values of the axis `seed`, or null: the stage makes no such axis. */
  readonly seeds: readonly number[] | null;
  /** A fixed seed for every task of the stage. */
  readonly seed: number | null;
  readonly resources: Resources;
  /** Null: the defaults. */
  readonly checkpoint: CheckpointSpec | null;
  readonly timeoutMs: number | null;
};

export type PipelineSpec = {
  readonly name: string;
  readonly description: string;
  /** Parameters of the file after overrides. */
  readonly params: JsonObject;
  /** Upstream stages before those that read them; otherwise in the order of the file. */
  readonly stages: readonly StageSpec[];
};
