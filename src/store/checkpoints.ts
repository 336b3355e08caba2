/**
 * Checkpoints of one task: everything needed to continue its training, newest verifiable first (invariant H).
 */

/** A named tensor as raw little-endian bytes. */
export type TensorData = {
  readonly dtype: "F32" | "I32" | "U8" | "BOOL" | "F16" | "BF16" | "I64";
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
};

export type Checkpoint = {
  readonly step: number;
  /** Model variables, optimizer slots: by name. */
  readonly model: ReadonlyMap<string, TensorData>;
  readonly optimizer: ReadonlyMap<string, TensorData>;
  /** Small state of the loop: JSON. */
  readonly state: unknown;
};

export type CheckpointStore = {
  /** The newest checkpoint whose checksums verify, or null. Skipped ones are reported through the logger. */
  newest(): Promise<Checkpoint | null>;
  /** Writes the files, then the manifest; keeps the last two. */
  save(checkpoint: Checkpoint): Promise<void>;
};
