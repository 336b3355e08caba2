/**
 * Writing one checkpoint: check, files, manifest, and then what it replaces goes.
 *
 * W1 The files of a checkpoint are written first, its manifest last and only if absent. Each lies under `<epoch>-<step>`, so
 *    attempts never write over each other.
 * W2 Before the manifest the claim is read: an attempt that was overtaken writes none and learns it here. One that is overtaken
 *    between the two wrote under its own epoch, which its successor's checkpoints outrank (`places.ts`).
 * W3 Retention touches nothing of a later epoch, and never counts a checkpoint that was found broken.
 * W4 Numbers that are not finite reach no checkpoint.
 */
import { crc32 } from "node:zlib";
import { crc32Hex } from "../crc32-hex.ts";
import { TransientError } from "../../base/errors.ts";
import type { KeepSpec } from "../../plan/plan.ts";
import { readClaimEpoch } from "../claims/claims.ts";
import { toJsonBytes } from "../json.ts";
import { layout } from "../layout.ts";
import type { Store } from "../store.ts";
import {
  listPlaces,
  manifestPath,
  readCheckpointManifest,
  removePlace,
  type CheckpointManifest,
  type Place,
} from "./places.ts";
import { selectKept, type RatedPlace } from "./retention.ts";
import {
  findNotFinite,
  type NotFinite,
  type SnapshotFile,
} from "./snapshot.ts";

/** Whose checkpoints these are. */
export type CheckpointOwner = {
  readonly key: string;
  /** Of the claim that the attempt holds. */
  readonly epoch: number;
  readonly keep: KeepSpec;
};

/** A value that can go to another thread. */
export type CheckpointJob = {
  readonly step: number;
  readonly files: readonly SnapshotFile[];
  readonly state: Uint8Array;
  readonly metrics: Readonly<Record<string, number>>;
  /** Prefixes of checkpoints that were found broken. */
  readonly broken: readonly string[];
};

export type WriteOutcome =
  | { readonly kind: "written"; readonly sizeBytes: number }
  | ({ readonly kind: "not-finite" } & NotFinite);

/** Throws `claim.lost` (TransientError) if the attempt was overtaken. */
export async function writeCheckpoint(
  store: Store,
  owner: CheckpointOwner,
  job: CheckpointJob,
): Promise<WriteOutcome> {
  const wrong = findNotFinite(job.files);
  if (wrong !== null) return { kind: "not-finite", ...wrong }; // W4
  const { key, epoch, keep } = owner;
  const { step, metrics } = job;
  const prefix = layout.checkpoint(key, epoch, step);
  const files = [
    ...job.files,
    { path: "state.json", bytes: job.state } as const,
  ];
  for (const { path, bytes } of files) await store.put(prefix + path, bytes);
  await refuseIfOvertaken(store, owner);
  await commit(store, {
    version: 1,
    key,
    epoch,
    step,
    files: files.map(({ path, bytes }) => ({
      path,
      sizeBytes: bytes.byteLength,
      crc32: crc32Hex(crc32(bytes)),
    })),
    metrics: { ...metrics },
    keep,
  });
  await retain(store, owner, new Set(job.broken));
  const sizeBytes = files.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  return { kind: "written", sizeBytes };
}

/** W2. */
async function refuseIfOvertaken(
  store: Store,
  { key, epoch }: CheckpointOwner,
): Promise<void> {
  const now = await readClaimEpoch(store, key);
  if (now !== null && now > epoch) throw overtaken(key, epoch, now);
}

/** W1. */
async function commit(
  store: Store,
  manifest: CheckpointManifest,
): Promise<void> {
  const { key, epoch, step } = manifest;
  const path = manifestPath({ prefix: layout.checkpoint(key, epoch, step) });
  const bytes = toJsonBytes(manifest);
  if ((await store.putIfAbsent(path, bytes)) === "written") return;
  // Our own, if the answer to an earlier try was lost: nobody else writes under our epoch, and each step is saved once.
  const found = await store.read(path);
  if (found === null || Buffer.compare(found, bytes) !== 0)
    throw new Error(`'${path}' was written by somebody else under our epoch`);
}

/** W3. */
async function retain(
  store: Store,
  { key, epoch, keep }: CheckpointOwner,
  broken: ReadonlySet<string>,
): Promise<void> {
  const places = await listPlaces(store, key);
  const [newest] = places;
  if (newest !== undefined && newest.epoch > epoch)
    throw overtaken(key, epoch, newest.epoch);
  const rated: RatedPlace[] = [];
  for (const place of places)
    if (!broken.has(place.prefix))
      rated.push({ ...place, metrics: await metricsOf(store, place, keep) });
  const kept = new Set(selectKept(rated, keep).map(({ prefix }) => prefix));
  for (const place of places)
    if (!kept.has(place.prefix)) await removePlace(store, place);
}

/** Small reads, and none where nobody asks for the best. */
async function metricsOf(
  store: Store,
  place: Place,
  keep: KeepSpec,
): Promise<RatedPlace["metrics"]> {
  if (keep.best === null) return {};
  return (await readCheckpointManifest(store, place))?.metrics ?? {};
}

export function overtaken(
  key: string,
  epoch: number,
  now: number,
): TransientError {
  return new TransientError({
    code: "claim.lost",
    message: `somebody else took over the claim on ${key} (epoch ${now}; we held ${epoch}); what we have is discarded`,
  });
}
