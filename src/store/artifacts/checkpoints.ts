/**
 * Checkpoints of one task: everything needed to continue its training, newest verifiable first (invariant H).
 *
 * K1 The files of a checkpoint are written first, its `manifest.json` last and only if absent: without a manifest
 *    there is no checkpoint. Each lies under `<epoch>-<step>`, so attempts never write over each other.
 * K2 The newest is the one with the highest step (of the highest epoch) whose sizes, CRC-32 and contents verify. One
 *    that does not is skipped and reported (invariant J), and the one before it is taken.
 * K3 Retention removes the manifest first, then the data, and never counts a checkpoint that was found broken.
 */
import { crc32 } from "node:zlib";
import { z } from "zod";
import { silentLogger } from "../../base/log.ts";
import type { Logger } from "../../base/log.ts";
import { UserError } from "../../base/errors.ts";
import { readJson, toJsonBytes } from "../json.ts";
import { layout } from "../layout.ts";
import { decodeSafetensors, toSafetensorsChunks } from "./safetensors.ts";
import type { Store } from "../store.ts";

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
  /** Writes the files, then the manifest; keeps the last two. The tensors' bytes must not change meanwhile. */
  save(checkpoint: Checkpoint): Promise<void>;
};

const files = [
  "model.safetensors",
  "optimizer.safetensors",
  "state.json",
] as const;
type FileName = (typeof files)[number];

const manifestSchema = z.object({
  version: z.literal(1),
  key: z.string(),
  epoch: z.int(),
  step: z.int(),
  files: z.array(
    z.object({
      path: z.enum(files),
      sizeBytes: z.int().nonnegative(),
      crc32: z.string(),
    }),
  ),
});
type CheckpointManifest = z.output<typeof manifestSchema>;

type Place = {
  readonly prefix: string;
  readonly epoch: number;
  readonly step: number;
};

/** Checkpoints of a key, written as the attempt that holds claim epoch `epoch`. */
export function createCheckpointStore(options: {
  readonly store: Store;
  readonly key: string;
  readonly epoch: number;
  readonly log?: Logger;
  /** How many stay; 2 is the least that survives a broken newest one. */
  readonly keep?: number;
}): CheckpointStore {
  const { store, key, epoch, log = silentLogger, keep = 2 } = options;
  const broken = new Set<string>();
  const saved = new Set<number>();

  async function retain(): Promise<void> {
    const places = await listPlaces(store, key);
    const sound = places.filter(({ prefix }) => !broken.has(prefix));
    const kept = new Set(sound.slice(0, keep));
    for (const place of places)
      if (!kept.has(place)) await removePlace(store, place);
  }

  return {
    async newest() {
      for (const place of await listPlaces(store, key)) {
        const read = await readCheckpoint(store, key, place);
        if (read.kind === "sound") return read.checkpoint;
        broken.add(place.prefix);
        const fields = { checkpoint: place.prefix, reason: read.problem };
        log.warn(fields, "a checkpoint was skipped because it is damaged");
      }
      if (broken.size > 0)
        log.warn(
          { damaged: broken.size },
          "no checkpoint is left to continue from: the task starts again",
        );
      return null;
    },
    async save(checkpoint) {
      // The step before a stop may just have been saved, and its files must not change under its manifest.
      if (saved.has(checkpoint.step)) return;
      await writeCheckpoint(store, { key, epoch }, checkpoint);
      saved.add(checkpoint.step);
      await retain();
    },
  };
}

/** Removes the checkpoints of a key, of every attempt: the task is committed. */
export async function removeCheckpoints(
  store: Store,
  key: string,
): Promise<void> {
  for (const place of await listPlaces(store, key))
    await removePlace(store, place);
  // What was cut off before its manifest, and what lies there for other reasons.
  for await (const { path } of store.list(layout.checkpoints(key)))
    await store.remove(path);
}

async function writeCheckpoint(
  store: Store,
  { key, epoch }: { readonly key: string; readonly epoch: number },
  checkpoint: Checkpoint,
): Promise<void> {
  const prefix = layout.checkpoint(key, epoch, checkpoint.step);
  const contents: Record<FileName, readonly Uint8Array[]> = {
    "model.safetensors": toSafetensorsChunks(checkpoint.model).chunks,
    "optimizer.safetensors": toSafetensorsChunks(checkpoint.optimizer).chunks,
    "state.json": [toJsonBytes(checkpoint.state)],
  };
  const manifest: CheckpointManifest = {
    version: 1,
    key,
    epoch,
    step: checkpoint.step,
    files: [],
  };
  for (const path of files) {
    const chunks = contents[path];
    const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    const crc = chunks.reduce((sum, chunk) => crc32(chunk, sum), 0);
    manifest.files.push({ path, sizeBytes, crc32: toHex(crc) });
    await store.putStream(prefix + path, sizeBytes, toAsync(chunks));
  }
  const path = `${prefix}manifest.json`;
  const outcome = await store.putIfAbsent(path, toJsonBytes(manifest));
  // Only this attempt writes under its epoch, and each step once.
  if (outcome === "exists")
    throw new Error(`'${path}' was written by somebody else under our epoch`);
}

type CheckpointRead =
  | { readonly kind: "sound"; readonly checkpoint: Checkpoint }
  | { readonly kind: "broken"; readonly problem: string };

async function readCheckpoint(
  store: Store,
  key: string,
  place: Place,
): Promise<CheckpointRead> {
  try {
    return await readFiles(store, key, place);
  } catch (thrown) {
    // A store with checksums of its own gives out no damaged bytes.
    if (!(thrown instanceof UserError && thrown.code === "store.damaged"))
      throw thrown;
    return brokenBecause(thrown.message);
  }
}

async function readFiles(
  store: Store,
  key: string,
  place: Place,
): Promise<CheckpointRead> {
  const bytes = await store.read(`${place.prefix}manifest.json`);
  const json = readJson(bytes ?? new Uint8Array());
  const parsed = manifestSchema.safeParse(
    json.kind === "value" ? json.value : null,
  );
  if (!parsed.success) return brokenBecause("its manifest cannot be read");
  const { data: manifest } = parsed;
  if (
    manifest.key !== key ||
    manifest.step !== place.step ||
    manifest.epoch !== place.epoch
  )
    return brokenBecause("its manifest belongs to another checkpoint");
  const contents = new Map<FileName, Uint8Array>();
  for (const file of manifest.files) {
    const content = await store.read(place.prefix + file.path);
    if (content === null) return brokenBecause(`${file.path} is missing`);
    if (content.byteLength !== file.sizeBytes)
      return brokenBecause(
        `${file.path} has ${content.byteLength} bytes, not ${file.sizeBytes}`,
      );
    if (toHex(crc32(content)) !== file.crc32)
      return brokenBecause(`the CRC-32 of ${file.path} differs`);
    contents.set(file.path, content);
  }
  return decode(place.step, contents);
}

function decode(
  step: number,
  contents: ReadonlyMap<FileName, Uint8Array>,
): CheckpointRead {
  const model = contents.get("model.safetensors");
  const optimizer = contents.get("optimizer.safetensors");
  const state = readJson(contents.get("state.json") ?? new Uint8Array());
  if (!model || !optimizer || state.kind === "broken")
    return brokenBecause("its manifest does not name all files");
  try {
    const checkpoint = {
      step,
      model: decodeSafetensors(model).tensors,
      optimizer: decodeSafetensors(optimizer).tensors,
      state: state.value,
    };
    return { kind: "sound", checkpoint };
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    return brokenBecause(thrown.message);
  }
}

function brokenBecause(problem: string): CheckpointRead {
  return { kind: "broken", problem };
}

/** Checkpoints that have a manifest, newest first (K2). */
async function listPlaces(store: Store, key: string): Promise<Place[]> {
  const places: Place[] = [];
  const base = layout.checkpoints(key);
  for await (const { path } of store.list(base)) {
    const match = /^(\d+)-(\d+)\/manifest\.json$/.exec(path.slice(base.length));
    if (!match) continue;
    const prefix = path.slice(0, -"manifest.json".length);
    places.push({ prefix, epoch: Number(match[1]), step: Number(match[2]) });
  }
  return places.sort((a, b) => b.step - a.step || b.epoch - a.epoch);
}

/** K3. */
async function removePlace(store: Store, place: Place): Promise<void> {
  await store.remove(`${place.prefix}manifest.json`);
  for (const path of files) await store.remove(place.prefix + path);
}

async function* toAsync(
  chunks: readonly Uint8Array[],
): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

function toHex(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}
