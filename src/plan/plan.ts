/**
 * The frozen graph of tasks that a pipeline expands to: a value, the same bytes for the same input (invariant D).
 *
 * A task is stage × cell. `inputs` name tasks of this plan; `key` names the artifact, and is all that the store knows
 * of a task (invariant C). Tasks are in topological order: inputs stand before what reads them.
 */
import type {
  Cell,
  CheckpointSpec,
  JsonObject,
  Resources,
} from "../spec/pipeline-spec.ts";
import type { StageKind } from "../spec/stage-kinds.ts";

export type {
  Cell,
  CellValue,
  CheckpointSpec,
  JsonObject,
  JsonValue,
  KeepSpec,
  Resources,
} from "../spec/pipeline-spec.ts";

/** Kinds that a task can have: those of the pipeline file, and the merge of a split stage. */
export type TaskKind = StageKind | "catalog";

/** Kinds of tasks whose artifacts are whole datasets. */
const DATASET_KINDS: ReadonlySet<string> = new Set<TaskKind>([
  "catalog",
  "concat",
]);
export function isDatasetKind(kind: string): boolean {
  return DATASET_KINDS.has(kind);
}

export type TaskPart = { readonly index: number; readonly count: number };

export type Task = {
  /** A DNS label of at most 63 characters, unique in the plan: `<stage>-<axis values>`. */
  readonly name: string;
  readonly stage: string;
  readonly kind: TaskKind;
  readonly cell: Cell;
  /** After defaults and after `${params.…}`; checked by the kind's schema. */
  readonly params: JsonObject;
  readonly seed: number | null;
  /** Input name → names of tasks, one for inputs of arity `one`. */
  readonly inputs: Readonly<Record<string, readonly string[]>>;
  /** Which part of a split stage this is. */
  readonly part: TaskPart | null;
  readonly resources: Resources;
  /** How it saves itself; null: the defaults. Not part of the key. */
  readonly checkpoint: CheckpointSpec | null;
  /** Time after which an attempt is stopped and counted as failed; null: none. */
  readonly timeoutMs: number | null;
  /** 64 hexadecimal digits. */
  readonly key: string;
};

export type Plan = {
  readonly pipeline: string;
  readonly description: string;
  /** Parameters of the file after overrides. */
  readonly params: JsonObject;
  readonly stages: readonly {
    readonly name: string;
    readonly kind: StageKind;
  }[];
  /** What lay at the places that the pipeline names when it was planned: place → fingerprint. */
  readonly sources: Readonly<Record<string, string>>;
  readonly tasks: readonly Task[];
  /** SHA-256 of the plan's canonical bytes. */
  readonly digest: string;
};

/** What lies at the places that a pipeline names, found by the shell before planning: place → identity of its content. */
export type SourceFingerprints = ReadonlyMap<string, string>;
