/**
 * Copies artifacts from one store to another: files in pieces, their sums taken on the way and held to the manifest, the
 * manifest last and if absent (invariant B), under a claim of the other store (so that neither a worker nor `gc` is at
 * the same key). What is committed there already is not copied; what was cut off is a leftover that `gc` removes.
 */
import type { Clock } from "../../base/clock.ts";
import { TransientError, UserError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { takeClaim, type ClaimOptions } from "../claims/claims.ts";
import { holdClaim } from "../claims/hold-claim.ts";
import { describeOwner, type ClaimOwner } from "../claims/owner.ts";
import type { Store } from "../store.ts";
import { artifactFilePath, createArtifactWriter } from "./artifact.ts";
import {
  commitManifest,
  isCommitted,
  type Manifest,
  type ManifestFile,
} from "./manifest.ts";

const pieceBytes = 16 * 1024 * 1024;

export type CopyOptions = {
  readonly from: Store;
  readonly to: Store;
  /** This process, for the claims of `to`. */
  readonly owner: ClaimOwner;
  readonly isOwnerAlive: ClaimOptions["isOwnerAlive"];
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Bytes that have passed. */
  readonly onBytes?: (bytes: number) => void;
};

/** Throws `artifact.corrupt` (UserError), `claim.held` and `claim.lost` (TransientError), and the signal's reason. */
export async function copyArtifact(
  manifest: Manifest,
  options: CopyOptions,
): Promise<"copied" | "there"> {
  const { to, owner, clock, log } = options;
  const { key } = manifest;
  if (await isCommitted(to, key)) return "there";
  const taken = await takeClaim(to, key, owner, options);
  if (taken.kind === "held")
    throw new TransientError({
      code: "claim.held",
      message: `${describeOwner(taken.by)} works on ${key} in ${to.url}`,
    });
  const held = holdClaim({ claim: taken.claim, clock, log });
  try {
    const { epoch } = held.claim;
    const writer = createArtifactWriter(to, key, epoch);
    for (const file of manifest.files)
      await writer.writeStream(
        file.path,
        file.sizeBytes,
        readPieces(manifest, file, options, held.signal),
      );
    checkSums(manifest, writer.files());
    await held.confirm();
    const outcome = await commitManifest(to, { ...manifest, epoch });
    return outcome === "committed" ? "copied" : "there";
  } finally {
    await held.release();
  }
}

async function* readPieces(
  manifest: Manifest,
  { path, sizeBytes }: ManifestFile,
  { from, signal, onBytes }: CopyOptions,
  lost: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const object = artifactFilePath(manifest, path);
  for (let offset = 0; offset < sizeBytes; offset += pieceBytes) {
    signal.throwIfAborted();
    lost.throwIfAborted();
    const length = Math.min(pieceBytes, sizeBytes - offset);
    const piece = await from.read(object, { offset, length });
    if (piece === null) throw damaged(manifest, path, "it is not there");
    yield piece;
    onBytes?.(length);
  }
}

function checkSums(manifest: Manifest, written: readonly ManifestFile[]): void {
  const byPath = new Map(written.map((file) => [file.path, file]));
  for (const { path, crc32, sha256 } of manifest.files) {
    const copy = byPath.get(path);
    if (copy?.crc32 !== crc32 || copy.sha256 !== sha256)
      throw damaged(manifest, path, "its checksums differ from the manifest's");
  }
}

function damaged(manifest: Manifest, path: string, problem: string): UserError {
  return new UserError({
    code: "artifact.corrupt",
    message: `'${artifactFilePath(manifest, path)}' is damaged: ${problem}; nothing is committed of it elsewhere`,
    hint: "hueline data verify looks at the whole dataset",
  });
}
