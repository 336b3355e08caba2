/**
 * What trainings that have not ended have so far: the weights of the newest checkpoint, and the curves up to it. They go
 * to `<task>/partial/`, apart from results, and are replaced by every pull that asks for them.
 */
import { rm, rmdir } from "node:fs/promises";
import path from "node:path";
import { systemCode, UserError } from "../../base/errors.ts";
import type { Task } from "../../plan/plan.ts";
import {
  listPlaces,
  readCheckpointManifest,
  type CheckpointManifest,
  type Place,
} from "../../store/checkpoints/places.ts";
import { readJson, toJsonBytes } from "../../store/json.ts";
import type { Store } from "../../store/store.ts";
import { downloadObjects } from "../../store/transfer/download-objects.ts";
import { writeLocalFile } from "../local-folder.ts";
import type { DestinationLock } from "./destination-lock.ts";

/** A training goes on meanwhile, and its checkpoints with it. */
const TRIES = 3;

const WEIGHTS_FILE = "model.safetensors";
const CURVES_FILE = "metrics.jsonl";
const STATE_FILE = "checkpoint.json";

export type PartialResult = {
  readonly task: string;
  readonly step: number;
  /** Below the destination. */
  readonly folder: string;
  readonly files: number;
  readonly bytes: number;
};

/** Brings what one unfinished task has; null: it has no checkpoint. */
export async function pullPartial(
  store: Store,
  { name, key }: Pick<Task, "name" | "key">,
  options: {
    readonly folder: string;
    readonly lock: DestinationLock;
    readonly signal: AbortSignal;
  },
): Promise<PartialResult | null> {
  for (let attempt = 1; ; attempt++) {
    const newest = await findNewest(store, key);
    if (newest === null) return null;
    await options.lock.take();
    const folder = `${name}/partial`;
    try {
      const written = await copyCheckpoint(store, newest, {
        folder: path.join(options.folder, folder),
        signal: options.signal,
      });
      return { task: name, step: newest.place.step, folder, ...written };
    } catch (thrown) {
      const isReplaced =
        thrown instanceof UserError && thrown.code === "transfer.absent";
      if (!isReplaced || attempt === TRIES) throw thrown;
    }
  }
}

/** The task has ended: what it had before is no longer of interest beside its result. Removes what `pullPartial` wrote. */
export async function removePartial(
  folder: string,
  task: string,
): Promise<void> {
  const partial = path.join(folder, task, "partial");
  try {
    await rm(path.join(partial, STATE_FILE));
  } catch (thrown) {
    // Nothing of ours is there.
    if (systemCode(thrown) !== null) return;
    throw thrown;
  }
  for (const name of [WEIGHTS_FILE, CURVES_FILE])
    for (const end of ["", ".part", ".part.ranges"])
      await rm(path.join(partial, name + end), { force: true });
  await rmdir(partial).catch((thrown: unknown) => {
    if (systemCode(thrown) === null) throw thrown;
  });
}

type Newest = { readonly place: Place; readonly manifest: CheckpointManifest };

async function findNewest(store: Store, key: string): Promise<Newest | null> {
  for (const place of await listPlaces(store, key)) {
    const manifest = await readCheckpointManifest(store, place);
    if (manifest !== null) return { place, manifest };
  }
  return null;
}

async function copyCheckpoint(
  store: Store,
  { place, manifest }: Newest,
  options: { readonly folder: string; readonly signal: AbortSignal },
): Promise<Pick<PartialResult, "files" | "bytes">> {
  const { folder, signal } = options;
  const state = await store.read(`${place.prefix}state.json`);
  const weights = manifest.files
    .filter(({ path: name }) => name === WEIGHTS_FILE)
    .map(({ path: name, sizeBytes, crc32 }) => ({
      path: place.prefix + name,
      sizeBytes,
      crc32,
      file: path.join(folder, name),
    }));
  await downloadObjects(store, weights, { signal });
  const { step, epoch, metrics } = manifest;
  const made = [
    [CURVES_FILE, toRows(state ?? new Uint8Array())],
    // Last: who finds it finds the files that it speaks of.
    [STATE_FILE, toJsonBytes({ step, epoch, metrics })],
  ] as const;
  for (const [name, bytes] of made)
    await writeLocalFile(path.join(folder, name), bytes);
  const sizes = [
    ...weights.map(({ sizeBytes }) => sizeBytes),
    ...made.map(([, bytes]) => bytes.byteLength),
  ];
  return {
    files: sizes.length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
  };
}

/** The rows of the curves in a training's state, as `metrics.jsonl` has them; none if it has none. */
function toRows(state: Uint8Array): Uint8Array {
  const json = readJson(state);
  const value = json.kind === "value" ? (json.value as Json) : null;
  const rows = value?.metrics?.rows;
  const lines = (Array.isArray(rows) ? rows : []).map(
    (row) => `${JSON.stringify(row)}\n`,
  );
  return new TextEncoder().encode(lines.join(""));
}

type Json = { readonly metrics?: { readonly rows?: unknown } } | null;
