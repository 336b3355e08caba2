/**
 * Where a key's checkpoints are, and what their manifests say. A checkpoint exists once its `manifest.json` does.
 *
 * The order is that of the fencing number first: what an attempt writes after it was overtaken is never newer than what
 * its successor wrote, whatever its step.
 */
import { z } from "zod";
import { readJson } from "../json.ts";
import { layout } from "../layout.ts";
import type { Store } from "../store.ts";

export const CHECKPOINT_FILES = [
  "model.safetensors",
  "optimizer.safetensors",
  "state.json",
] as const;
export type CheckpointFile = (typeof CHECKPOINT_FILES)[number];

const MANIFEST = "manifest.json";

const keepSchema = z.object({
  last: z.int().positive(),
  everySteps: z.int().positive().nullable(),
  best: z
    .object({ metric: z.string(), mode: z.enum(["min", "max"]) })
    .nullable(),
  steps: z.array(z.int().positive()).readonly().optional(),
});

const manifestSchema = z.object({
  version: z.literal(1),
  key: z.string(),
  epoch: z.int(),
  step: z.int(),
  files: z.array(
    z.object({
      path: z.enum(CHECKPOINT_FILES),
      sizeBytes: z.int().nonnegative(),
      crc32: z.string(),
    }),
  ),
  /** The newest value of each curve. */
  metrics: z.record(z.string(), z.number()).default({}),
  /** What stays of this training's checkpoints, so that whoever clears up later knows. */
  keep: keepSchema.nullable().default(null),
});
export type CheckpointManifest = z.output<typeof manifestSchema>;

export type Place = {
  /** Ends in `/`. */
  readonly prefix: string;
  readonly epoch: number;
  readonly step: number;
};

export const manifestPath = (place: Pick<Place, "prefix">): string =>
  place.prefix + MANIFEST;

/** Checkpoints that have a manifest, newest first. */
export async function listPlaces(store: Store, key: string): Promise<Place[]> {
  const places: Place[] = [];
  const base = layout.checkpoints(key);
  for await (const { path } of store.list(base)) {
    const match = /^(\d+)-(\d+)\/manifest\.json$/.exec(path.slice(base.length));
    if (!match) continue;
    const prefix = path.slice(0, -MANIFEST.length);
    places.push({ prefix, epoch: Number(match[1]), step: Number(match[2]) });
  }
  return places.sort((a, b) => b.epoch - a.epoch || b.step - a.step);
}

/** Null: there is none, or it cannot be read. */
export async function readCheckpointManifest(
  store: Store,
  place: Place,
): Promise<CheckpointManifest | null> {
  const bytes = await store.read(manifestPath(place));
  return bytes === null ? null : parseCheckpointManifest(bytes);
}

/** Null for bytes that are no manifest of a checkpoint. */
export function parseCheckpointManifest(
  bytes: Uint8Array,
): CheckpointManifest | null {
  const json = readJson(bytes);
  const parsed = manifestSchema.safeParse(
    json.kind === "value" ? json.value : null,
  );
  return parsed.success ? parsed.data : null;
}

/** The manifest first: what is left after a kill is no checkpoint. */
export async function removePlace(store: Store, place: Place): Promise<void> {
  await store.remove(manifestPath(place));
  for (const path of CHECKPOINT_FILES) await store.remove(place.prefix + path);
}
