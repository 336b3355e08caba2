/**
 * The commit of an artifact: one JSON object, written last and only if absent (invariants A and B).
 * Who reads an artifact starts here, and trusts no file that it does not name.
 */
import { z } from "zod";
import { UserError } from "../../base/errors.ts";
import { readJson, toJsonBytes } from "../json.ts";
import { layout } from "../layout.ts";
import { isObjectPath } from "../path.ts";
import type { Store } from "../store.ts";

const fileSchema = z.object({
  /** Relative to the attempt. */
  path: z.string().refine(isObjectPath, "a relative path without '..'"),
  sizeBytes: z.int().nonnegative(),
  /** CRC-32 (zlib) of the bytes, 8 hexadecimal digits. */
  crc32: z.string().regex(/^[0-9a-f]{8}$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export type ManifestFile = z.output<typeof fileSchema>;

export const manifestSchema = z.object({
  version: z.literal(1),
  key: z.string(),
  kind: z.string(),
  contract: z.int(),
  /** Claim epoch of the attempt that won; its files are under `cas/<key>/a<epoch>/`. */
  epoch: z.int().positive(),
  files: z.array(fileSchema),
  params: z.record(z.string(), z.json()),
  seed: z.int().nullable(),
  /** Input name → keys. */
  inputs: z.record(z.string(), z.array(z.string())),
  metrics: z.record(z.string(), z.number()),
  producer: z.object({
    hueline: z.string(),
    node: z.string(),
    tensorflow: z.string().nullable(),
    host: z.string(),
    run: z.string(),
    task: z.string(),
  }),
  timing: z.object({
    startedAtMs: z.number(),
    finishedAtMs: z.number(),
    /** Of the attempt that committed. */
    wallMs: z.number(),
    cpuMs: z.number(),
    peakMemoryBytes: z.number(),
    /** The step of the checkpoint that the attempt went on from; absent: it began at the beginning. */
    resumedAtStep: z.int().nonnegative().optional(),
    /** Where the time of what read images went; absent: everything was in memory, or nothing was read. */
    loader: z
      .object({
        images: z.number(),
        bytesFetched: z.number(),
        requests: z.number(),
        cacheHits: z.number(),
        /** Milliseconds, summed over the loader's threads. */
        fetchMs: z.number(),
        decodeMs: z.number(),
        cropMs: z.number(),
        waitForBytesMs: z.number(),
        waitForSlotMs: z.number(),
        /** How long the training stood still, out of `wallMs`. */
        trainerWaitMs: z.number(),
        wallMs: z.number(),
        bottleneck: z.enum(["storage", "decode", "training"]),
      })
      .optional(),
  }),
});

export type Manifest = z.output<typeof manifestSchema>;

/** Whether a key is committed (invariant A): asks for the manifest, does not read it. */
export async function isCommitted(store: Store, key: string): Promise<boolean> {
  return (await store.stat(layout.manifest(key))) !== null;
}

/** The commit of a key, or null. Throws `manifest.corrupt` (UserError) for one that cannot be trusted. */
export async function readManifest(
  store: Store,
  key: string,
): Promise<Manifest | null> {
  const path = layout.manifest(key);
  const bytes = await store.read(path);
  if (bytes === null) return null;
  const json = readJson(bytes);
  if (json.kind === "broken") throw corrupt(store, path, json.problem);
  const parsed = manifestSchema.safeParse(json.value);
  if (!parsed.success)
    throw corrupt(store, path, z.prettifyError(parsed.error));
  if (parsed.data.key !== key)
    throw corrupt(store, path, `it is the manifest of ${parsed.data.key}`);
  return parsed.data;
}

/**
 * Invariant B: writes the manifest unless there is one, after all files that it names. `found` means that another
 * writer was first, and its manifest stands. The caller has confirmed its claim just before.
 */
export async function commitManifest(
  store: Store,
  manifest: Manifest,
): Promise<"committed" | { kind: "found"; manifest: Manifest }> {
  const bytes = toJsonBytes(manifestSchema.parse(manifest));
  const path = layout.manifest(manifest.key);
  if ((await store.putIfAbsent(path, bytes)) === "written") return "committed";
  const found = await readManifest(store, manifest.key);
  if (found === null)
    throw corrupt(store, path, "it vanished while it was read");
  // An epoch is held by one attempt: the same epoch is our own write, whose answer was lost and which was repeated.
  return found.epoch === manifest.epoch
    ? "committed"
    : { kind: "found", manifest: found };
}

function corrupt(store: Store, path: string, problem: string): UserError {
  return new UserError({
    code: "manifest.corrupt",
    message: `the manifest '${path}' in ${store.url} cannot be used: ${problem}`,
    hint: "remove that object and run the pipeline again: its task is then computed anew",
  });
}
