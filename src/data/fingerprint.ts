/**
 * What lies at a source, as one string: the part of a shard task's key that stands for the images (invariant C).
 *
 * An npm package is its name and version. A folder is the SHA-256 over its files' relative paths, sizes and SHA-256s, in
 * the order of the paths. Hidden files and links do not count: no source takes them. Everything else does, whichever
 * split or format reads it. A bucket's prefix is the SHA-256 over the paths, sizes and times of change that its listing
 * tells: the listing is trusted, no object is read, and an object that is uploaded again is another one.
 *
 * The text ends with what listing alone tells (`listingOf`), to which a worker holds the source that it packs.
 *
 * Light: the command line plans with it, without the image library. Hashes of files are kept in the user's cache folder
 * by (path, size, mtime, ctime), so that planning again costs a listing; the cache is never trusted for anything else and
 * may be deleted at any time.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { mapBounded } from "../base/async.ts";
import { systemCode } from "../base/errors.ts";
import { hashFile } from "../base/hash-file.ts";
import type { PlaceContent } from "../spec/stage-kinds.ts";
import { openFilePlace } from "./places/file-place.ts";
import { orUnreadable } from "./places/file-tree.ts";
import { findPackage, listingOf, openPlace } from "./places/place.ts";

const FILES_AT_ONCE = 8;

export type FingerprintOptions = {
  /** A parameter of a stage: the `source` of `shard`, the `file` of `initialize`. */
  readonly place: string;
  readonly holds: PlaceContent;
  /** Where hashes of files may be kept between runs; null: nowhere. */
  readonly cacheDirectory: string | null;
};

/** @throws UserError `data.source-missing`, `data.file-missing`, `data.source-unreadable`. */
export async function fingerprintSource(
  options: FingerprintOptions,
): Promise<string> {
  return await fingerprints[options.holds](options);
}

const fingerprints: Readonly<
  Record<PlaceContent, (options: FingerprintOptions) => Promise<string>>
> = {
  file: async ({ place }) => await (await openFilePlace(place)).fingerprint(),
  files: fingerprintFiles,
};

async function fingerprintFiles(
  options: Pick<FingerprintOptions, "place" | "cacheDirectory">,
): Promise<string> {
  // Known by its release alone: thousands of files need not be listed for it.
  const found = await findPackage(options.place);
  if (found !== null) return found.release;
  const tree = await openPlace(options.place);
  const listing = listingOf(tree);
  const { directory } = tree;
  if (directory === null) return listing;
  const files = tree.files.map((file) => file.path);
  const cache = await openHashCache(directory, options.cacheDirectory);
  const facts = await mapBounded(files, FILES_AT_ONCE, async (file) => {
    const { sizeBytes, sha256 } = await cache.hash(file);
    return `${file}\0${sizeBytes}\0${sha256}\n`;
  });
  await cache.save(files);
  const hash = createHash("sha256");
  for (const fact of facts) hash.update(fact);
  return `sha256:${hash.digest("hex")},${listing}`;
}

const cacheSchema = z.object({
  version: z.literal(1),
  directory: z.string(),
  /** Relative path → [size, mtime ns, ctime ns, SHA-256]. */
  files: z.record(
    z.string(),
    z.tuple([z.number(), z.string(), z.string(), z.string()]),
  ),
});
type CacheEntry = z.output<typeof cacheSchema>["files"][string];

type HashCache = {
  hash(
    file: string,
  ): Promise<{ readonly sizeBytes: number; readonly sha256: string }>;
  /** Writes what was hashed or found, for these files, if anything is new. */
  save(files: readonly string[]): Promise<void>;
};

async function openHashCache(
  directory: string,
  cacheDirectory: string | null,
): Promise<HashCache> {
  const name = createHash("sha256").update(directory).digest("hex");
  const cacheFile =
    cacheDirectory && path.join(cacheDirectory, `${name.slice(0, 16)}.json`);
  const known = cacheFile ? await readCache(cacheFile, directory) : new Map();
  let isChanged = false;
  return {
    async hash(file) {
      const full = path.join(directory, file);
      const facts = await orUnreadable(full, () =>
        stat(full, { bigint: true }),
      );
      const [size, mtime, ctime] = [
        Number(facts.size),
        String(facts.mtimeNs),
        String(facts.ctimeNs),
      ];
      const old: CacheEntry | undefined = known.get(file);
      if (old?.[0] === size && old[1] === mtime && old[2] === ctime)
        return { sizeBytes: size, sha256: old[3] };
      const { sizeBytes, sha256 } = await orUnreadable(full, () =>
        hashFile(full),
      );
      known.set(file, [size, mtime, ctime, sha256]);
      isChanged = true;
      return { sizeBytes, sha256 };
    },
    async save(files) {
      if (!cacheFile || (!isChanged && files.length === known.size)) return;
      const own = files.map((file) => [file, known.get(file) as CacheEntry]);
      try {
        await writeCache(cacheFile, {
          version: 1,
          directory,
          files: Object.fromEntries(own) as Record<string, CacheEntry>,
        });
      } catch (thrown) {
        // A folder that cannot be written, a full disk, another planner that was faster: the next plan hashes again.
        if (systemCode(thrown) === null) throw thrown;
      }
    },
  };
}

/** A cache that is absent, broken or of another folder is empty: it only saves time. */
async function readCache(
  cacheFile: string,
  directory: string,
): Promise<Map<string, CacheEntry>> {
  const text = await readFile(cacheFile, "utf8").catch(() => "");
  const parsed = cacheSchema.safeParse(parseJson(text));
  return parsed.success && parsed.data.directory === directory
    ? new Map(Object.entries(parsed.data.files))
    : new Map();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** By rename, so that two planners at once leave one whole file. */
async function writeCache(
  cacheFile: string,
  cache: z.output<typeof cacheSchema>,
): Promise<void> {
  await mkdir(path.dirname(cacheFile), { recursive: true });
  const content = JSON.stringify(cache);
  const digest = createHash("sha256").update(content).digest("hex");
  const temporary = `${cacheFile}.${digest.slice(0, 8)}.tmp`;
  await writeFile(temporary, content);
  await rename(temporary, cacheFile);
}
