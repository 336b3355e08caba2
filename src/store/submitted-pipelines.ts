/**
 * Pipeline files that are too large for an object of a cluster: `pipelines/<sha256>.yaml`, by the hash of their bytes.
 *
 * A Run needs its file until it is planned and has a copy of its own among its records; a Schedule needs it for as long as
 * there is a Schedule, which no store knows of: it is pinned. `gc` removes the others (G5 of `gc/plan-sweep.ts`).
 *
 * Who submits and who removes hold the claim on `pipeline-<sha256>`, and who submits writes the file each time, also where
 * it is there: from then on it is young, and nothing that is young goes.
 */
import { createHash } from "node:crypto";
import { takeClaim, type ClaimOptions } from "./claims/claims.ts";
import { holdClaim } from "./claims/hold-claim.ts";
import type { ClaimOwner } from "./claims/owner.ts";
import type { Logger } from "../base/log.ts";
import { layout } from "./layout.ts";
import { writePin } from "./gc/pins.ts";
import type { Store } from "./store.ts";

const LOOK_AGAIN_MS = 200;

export type SubmittedPipeline = {
  readonly path: string;
  readonly sha256: string;
};

type SubmitOptions = ClaimOptions & {
  /** This process. */
  readonly owner: ClaimOwner;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Why it is kept whatever its age; null: until the Run that is submitted now is planned. */
  readonly pinnedFor: string | null;
};

/** The key of a submitted file: of its claim, and of what `gc` says of it. */
export function toPipelineKey(sha256: string): string {
  return `pipeline-${sha256}`;
}

/** Whether somebody keeps the file of a key whatever its age. */
export async function isPipelinePinned(
  store: Store,
  key: string,
): Promise<boolean> {
  const sha256 = key.slice(toPipelineKey("").length);
  return (await store.stat(layout.pin(sha256))) !== null;
}

/** Where a file goes, which is decided by its bytes. */
export function locatePipeline(bytes: Uint8Array): SubmittedPipeline {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { path: layout.submittedPipeline(sha256), sha256 };
}

/** Writes the file, and its pin; it stays from then on. */
export async function keepPipeline(
  store: Store,
  bytes: Uint8Array,
  options: SubmitOptions,
): Promise<SubmittedPipeline> {
  const { clock, log, owner, signal, pinnedFor } = options;
  const { path, sha256 } = locatePipeline(bytes);
  for (;;) {
    signal.throwIfAborted();
    const key = toPipelineKey(sha256);
    const taken = await takeClaim(store, key, owner, options);
    if (taken.kind === "held") {
      await clock.sleep(LOOK_AGAIN_MS, signal);
      continue;
    }
    const held = holdClaim({ claim: taken.claim, clock, log });
    try {
      await store.put(path, bytes);
      if (pinnedFor !== null)
        await writePin(store, {
          kind: "pipeline",
          name: sha256,
          reason: pinnedFor,
          pinnedAtMs: clock.now(),
        });
      return { path, sha256 };
    } finally {
      await held.release();
    }
  }
}
