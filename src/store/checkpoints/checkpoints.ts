/**
 * Checkpoints of one task: everything needed to continue its training, newest verifiable first (invariant H).
 *
 * K1 A save costs the training one copy, into memory that is a checkpoint's two files already. Whatever else there is to do is
 *    done behind it (`writer.ts`), one save at a time.
 * K2 The newest is the last one of the highest epoch whose sizes, CRC-32 and contents verify. One that does not is
 *    skipped and reported (invariant J), and the one before it is taken.
 * K3 An attempt that was overtaken can neither make its checkpoints the newest nor remove its successor's (`write-checkpoint.ts`).
 */
import { systemClock, type Clock } from "../../base/clock.ts";
import { silentLogger, type Logger } from "../../base/log.ts";
import type { KeepSpec } from "../../plan/plan.ts";
import { toJsonBytes } from "../json.ts";
import type { Store } from "../store.ts";
import { listPlaces, manifestPath } from "./places.ts";
import { readCheckpoint, type Checkpoint } from "./read-checkpoint.ts";
import { isKeptForLater } from "./retention.ts";
import { createSnapshot, type Shapes, type Snapshot } from "./snapshot.ts";
import { overtaken, type WriteOutcome } from "./write-checkpoint.ts";
import {
  createDirectWriter,
  startWriterThread,
  type CheckpointWriter,
} from "./writer.ts";

export type CheckpointShapes = {
  readonly model: Shapes;
  readonly optimizer: Shapes;
};

export type CheckpointToSave = {
  readonly step: number;
  /** Copies each tensor, by name, into the memory given for it; the training stands still meanwhile. */
  copyInto(targets: Snapshot["targets"]): Promise<void>;
  /** Small state of the loop: JSON. */
  readonly state: unknown;
  /** The newest value of each curve. */
  readonly metrics: Readonly<Record<string, number>>;
};

/** A save whose copy is made. */
export type Saving = {
  readonly step: number;
  /** Settles when the manifest is written and what it replaces is gone. */
  readonly written: Promise<WriteOutcome>;
};

export type CheckpointStore = {
  /** The newest checkpoint whose checksums verify, or null. Skipped ones are reported through the logger. */
  newest(): Promise<Checkpoint | null>;
  /** Says which steps' checkpoints are needed when the training is done. Before `prepare`. */
  keepToo(steps: readonly number[]): void;
  /** The checkpoint of a step that was kept, if one verifies. */
  ofStep(step: number): Promise<Checkpoint | null>;
  /** Says what is going to be saved: the memory for it is made while nobody waits for it. Before the first `save`. */
  prepare(shapes: CheckpointShapes): void;
  /** Resolves when the copy is made. The save before must have ended. */
  save(checkpoint: CheckpointToSave): Promise<Saving>;
  /** What a save that is under way does: `waiting` for a store that does not answer. */
  activity(): "idle" | "writing" | "waiting";
  /** Whether the checkpoint of this step is one that has to be there later. */
  isWanted(step: number): boolean;
  /** Ends the writer; a save under way is cut off. */
  close(): Promise<void>;
};

export type CheckpointStoreOptions = {
  readonly store: Store;
  readonly key: string;
  /** Of the claim that the attempt holds. */
  readonly epoch: number;
  readonly keep: KeepSpec;
  /** How long a save waits for a store that does not answer. */
  readonly outageMs: number;
  readonly log?: Logger;
  readonly clock?: Clock;
  /** A save went to the store over the thread's own connection, past `store`. */
  readonly onSent?: (sizeBytes: number) => void;
  /** A save waits for the store. */
  readonly onWaiting?: (reason: string) => void;
};

/** Checkpoints of a key, written as the attempt that holds claim epoch `epoch`. */
export function createCheckpointStore(
  options: CheckpointStoreOptions,
): CheckpointStore {
  const { store, key, epoch, log = silentLogger } = options;
  let { keep } = options;
  const broken = new Set<string>();
  let activity: ReturnType<CheckpointStore["activity"]> = "idle";
  let snapshot: Snapshot | null = null;
  let writer: CheckpointWriter | null = null;
  const seenMetrics = new Set<string>();
  let saves = 0;

  const openWriter = (): CheckpointWriter =>
    (writer ??= createWriter({ ...options, keep }, (reason) => {
      activity = "waiting";
      options.onWaiting?.(reason);
    }));

  async function findNewest(): Promise<Checkpoint | null> {
    for (;;) {
      const places = await listPlaces(store, key);
      const place = places.find(({ prefix }) => !broken.has(prefix));
      if (place === undefined) return null;
      if (place.epoch > epoch) throw overtaken(key, epoch, place.epoch); // K3
      const read = await readCheckpoint(store, key, place);
      if (read.kind === "sound") return read.checkpoint;
      // An attempt that does not know yet that it was overtaken may have removed it meanwhile.
      if ((await store.stat(manifestPath(place))) === null) continue;
      broken.add(place.prefix);
      const fields = { checkpoint: place.prefix, reason: read.problem };
      log.warn(fields, "a checkpoint was skipped because it is damaged");
    }
  }

  return {
    async newest() {
      const found = await findNewest();
      if (found === null && broken.size > 0)
        log.warn(
          { damaged: broken.size },
          "no checkpoint is left to continue from: the task starts again",
        );
      return found;
    },
    prepare(shapes) {
      snapshot = createSnapshot(shapes);
      openWriter().prepare(snapshot.files.map(({ bytes }) => bytes));
    },
    async save({ step, copyInto, state, metrics }) {
      if (activity !== "idle")
        throw new Error("a checkpoint is being written already");
      if (snapshot === null)
        throw new Error("what is saved has not been said: call prepare first");
      activity = "writing";
      try {
        await copyInto(snapshot.targets);
      } catch (thrown) {
        activity = "idle";
        throw thrown;
      }
      saves++;
      for (const name of Object.keys(metrics)) seenMetrics.add(name);
      const written = openWriter()
        .write({
          step,
          files: snapshot.files,
          state: toJsonBytes(state),
          metrics: onlyFinite(metrics),
          broken: [...broken],
        })
        .finally(() => {
          activity = "idle";
        });
      // Whoever waits for it gets the failure; until then nobody does.
      written.catch(() => undefined);
      return { step, written };
    },
    activity: () => activity,
    keepToo(steps) {
      if (writer !== null) throw new Error("what is kept has been said");
      keep = { ...keep, steps };
    },
    async ofStep(step) {
      for (const place of await listPlaces(store, key)) {
        if (place.step !== step) continue;
        const read = await readCheckpoint(store, key, place);
        if (read.kind === "sound") return read.checkpoint;
      }
      return null;
    },
    isWanted: (step) => isKeptForLater(keep, step),
    async close() {
      await writer?.close();
      // Nothing is silently skipped (invariant J).
      if (keep.best !== null && saves > 0 && !seenMetrics.has(keep.best.metric))
        log.warn(
          { metric: keep.best.metric, known: [...seenMetrics] },
          "the best checkpoint was not kept: none has the metric that 'keep.best' names",
        );
    },
  };
}

/** K1. A store in memory exists in its own thread alone. */
function createWriter(
  options: CheckpointStoreOptions,
  onWaiting: (reason: string) => void,
): CheckpointWriter {
  const { store, key, epoch, keep, outageMs, clock = systemClock } = options;
  const owner = { key, epoch, keep };
  if (store.url === "memory:")
    return createDirectWriter(store, owner, { clock, outageMs, onWaiting });
  const setup = { storeUrl: store.url, owner, outageMs };
  const thread = startWriterThread(setup, onWaiting);
  return {
    ...thread,
    async write(job) {
      const outcome = await thread.write(job);
      if (outcome.kind === "written") options.onSent?.(outcome.sizeBytes);
      return outcome;
    },
  };
}

/** JSON has no other numbers. */
function onlyFinite(
  metrics: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics).filter(([, value]) => Number.isFinite(value)),
  );
}
