/**
 * Files of an artifact: written under the attempt's prefix with their sums taken on the way, read with the sums
 * checked. What a manifest does not name is not read; what it names and is not there, or differs, is an error that
 * names the file (invariant J). Committing is `manifest.ts`.
 */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { crc32Hex } from "../crc32-hex.ts";
import { UserError } from "../../base/errors.ts";
import { layout } from "../layout.ts";
import type { Manifest, ManifestFile } from "./manifest.ts";
import { checkObjectPath } from "../path.ts";
import type { ByteRange, Store } from "../store.ts";

const verifyChunkBytes = 16 * 1024 * 1024;

export type ArtifactWriter = {
  /** Writes a file: a path relative to the attempt, each path once. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  writeStream(
    path: string,
    sizeBytes: number,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<void>;
  /** What was written, sorted by path: the manifest's `files`. */
  files(): ManifestFile[];
};

/** Writes the files of the attempt that holds claim epoch `epoch` of a key. */
export function createArtifactWriter(
  store: Store,
  key: string,
  epoch: number,
): ArtifactWriter {
  const written = new Map<string, ManifestFile>();
  const begun = new Set<string>();
  const begin = (path: string): string => {
    checkObjectPath(path);
    if (begun.has(path))
      throw new Error(`the artifact's file '${path}' is written twice`);
    begun.add(path);
    return layout.attempt(key, epoch) + path;
  };
  return {
    async write(path, bytes) {
      const target = begin(path);
      const sums = createSums();
      sums.add(bytes);
      await store.put(target, bytes);
      written.set(path, { path, ...sums.end() });
    },
    async writeStream(path, sizeBytes, chunks) {
      const target = begin(path);
      const sums = createSums();
      await store.putStream(target, sizeBytes, sums.through(chunks));
      written.set(path, { path, ...sums.end() });
    },
    files: () =>
      [...written.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
}

/**
 * The bytes of a file, or of a range of it. A whole file is checked against size and CRC-32, a range against the
 * size only. Throws `artifact.missing` or `artifact.corrupt` (UserError).
 */
export async function readArtifactFile(
  store: Store,
  manifest: Manifest,
  path: string,
  options: { readonly range?: ByteRange } = {},
): Promise<Uint8Array> {
  const file = findFile(manifest, path);
  const { range } = options;
  if (range && range.offset + range.length > file.sizeBytes)
    throw new RangeError(
      `'${path}' has ${file.sizeBytes} bytes; ${range.offset}+${range.length} is outside`,
    );
  const bytes = await readOrCorrupt(store, manifest, file, range);
  if (range) return bytes;
  if (bytes.byteLength !== file.sizeBytes)
    throw corrupt(
      manifest,
      path,
      `it has ${bytes.byteLength} bytes, not ${file.sizeBytes}`,
    );
  if (crc32Hex(crc32(bytes)) !== file.crc32)
    throw corrupt(manifest, path, "its CRC-32 differs from the manifest's");
  return bytes;
}

export type ArtifactProblem = {
  readonly code: "artifact.missing" | "artifact.corrupt";
  readonly path: string;
  readonly message: string;
};

/** Reads every file of an artifact, in pieces, and reports all that differ in size, CRC-32 or SHA-256. */
export async function verifyArtifact(
  store: Store,
  manifest: Manifest,
): Promise<ArtifactProblem[]> {
  const problems: ArtifactProblem[] = [];
  for (const file of manifest.files) {
    const problem = await verifyFile(store, manifest, file);
    if (problem) problems.push({ ...problem, path: file.path });
  }
  return problems;
}

async function verifyFile(
  store: Store,
  manifest: Manifest,
  file: ManifestFile,
): Promise<Omit<ArtifactProblem, "path"> | null> {
  const target = artifactFilePath(manifest, file.path);
  const info = await store.stat(target);
  if (info === null)
    return { code: "artifact.missing", message: "it is not in the store" };
  if (info.sizeBytes !== file.sizeBytes)
    return {
      code: "artifact.corrupt",
      message: `it has ${info.sizeBytes} bytes, not ${file.sizeBytes}`,
    };
  const sums = createSums();
  for (let offset = 0; offset < file.sizeBytes; offset += verifyChunkBytes) {
    const length = Math.min(verifyChunkBytes, file.sizeBytes - offset);
    sums.add(await readOrCorrupt(store, manifest, file, { offset, length }));
  }
  const { crc32, sha256 } = sums.end();
  if (crc32 === file.crc32 && sha256 === file.sha256) return null;
  return {
    code: "artifact.corrupt",
    message: "its checksums differ from the manifest's",
  };
}

/** Where in the store a file of an artifact lies. */
export function artifactFilePath(manifest: Manifest, path: string): string {
  return layout.attempt(manifest.key, manifest.epoch) + path;
}

function findFile(manifest: Manifest, path: string): ManifestFile {
  const file = manifest.files.find((candidate) => candidate.path === path);
  if (file) return file;
  const names = manifest.files.map((candidate) => candidate.path);
  throw new UserError({
    code: "artifact.missing",
    message: `the artifact ${manifest.key} (${manifest.kind}) has no file '${path}'; it has ${names.slice(0, 10).join(", ")}${names.length > 10 ? ", …" : ""}`,
    hint: "it may come from another version of this program: give the stage another seed or parameter, or remove the artifact's manifest, and run again",
  });
}

async function readOrCorrupt(
  store: Store,
  manifest: Manifest,
  file: ManifestFile,
  range: ByteRange | undefined,
): Promise<Uint8Array> {
  const target = artifactFilePath(manifest, file.path);
  try {
    const bytes = await store.read(target, range);
    if (bytes !== null) return bytes;
  } catch (thrown) {
    const isDamage =
      thrown instanceof UserError &&
      ["store.range", "store.damaged"].includes(thrown.code);
    if (isDamage) throw corrupt(manifest, file.path, thrown.message);
    throw thrown;
  }
  throw new UserError({
    code: "artifact.missing",
    message: `'${target}' is not in ${store.url}, although the manifest of ${manifest.key} names it`,
    hint: removeHint(manifest),
  });
}

function corrupt(manifest: Manifest, path: string, problem: string): UserError {
  return new UserError({
    code: "artifact.corrupt",
    message: `'${artifactFilePath(manifest, path)}' is damaged: ${problem}`,
    hint: removeHint(manifest),
  });
}

function removeHint(manifest: Manifest): string {
  return `remove ${layout.manifest(manifest.key)} from the store and run the pipeline again with \`hueline run\`: the task is then computed anew`;
}

/** Size, CRC-32 and SHA-256 of bytes as they pass. */
function createSums(): {
  add(bytes: Uint8Array): void;
  through(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  end(): Omit<ManifestFile, "path">;
} {
  const hash = createHash("sha256");
  let crc = 0;
  let sizeBytes = 0;
  const add = (bytes: Uint8Array): void => {
    hash.update(bytes);
    crc = crc32(bytes, crc);
    sizeBytes += bytes.byteLength;
  };
  return {
    add,
    async *through(chunks) {
      for await (const chunk of chunks) {
        add(chunk);
        yield chunk;
      }
    },
    end: () => ({
      sizeBytes,
      crc32: crc32Hex(crc),
      sha256: hash.digest("hex"),
    }),
  };
}
