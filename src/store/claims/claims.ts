/**
 * Who works on a key. A claim is a record changed only by compare-and-swap; the run lease is the same thing on the
 * key `run-<run>`.
 *
 * C1 Each take raises the epoch by 1, released or not, so an epoch names one attempt for ever. Claims are released,
 *    never removed, while anything of their key is in the store.
 * C2 A claim is held until it is released, its process is seen dead (same boot: at once), or its record stays
 *    unchanged for the whole time to live, measured on OUR monotonic clock. Clocks of machines are never compared
 *    to decide; the heartbeat's time only says whether watching is worth it.
 *    A process that is seen alive keeps its claim however old the heartbeat is: native code may block it for long.
 * C3 Who was overtaken learns it at its next heartbeat, and for good. Before a commit the holder confirms; between
 *    that and the manifest invariant B decides, and its files lie apart, under its own epoch.
 */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../../base/clock.ts";
import { TransientError, UserError } from "../../base/errors.ts";
import { readJson, toJsonBytes } from "../json.ts";
import { layout } from "../layout.ts";
import { claimOwnerSchema } from "./owner.ts";
import type { ClaimOwner, Liveness } from "./owner.ts";
import type { Store } from "../store.ts";

const claimSchema = z.object({
  version: z.literal(1),
  key: z.string(),
  epoch: z.int().positive(),
  /** Names this take of the claim; null: released. */
  token: z.string().nullable(),
  owner: claimOwnerSchema,
  takenAtMs: z.number(),
  heartbeatAtMs: z.number(),
});

type ClaimRecord = z.output<typeof claimSchema>;

export const claimTimes = { heartbeatEveryMs: 5_000, ttlMs: 30_000 } as const;

export type ClaimOptions = {
  readonly clock: Clock;
  readonly isOwnerAlive: (owner: ClaimOwner) => Promise<Liveness>;
  readonly ttlMs?: number;
};

export type Claim = {
  readonly key: string;
  readonly epoch: number;
  /** Says that we live; `lost` is for good: stop working. */
  heartbeat(): Promise<"ours" | "lost">;
  /** The same question right before a commit. */
  confirm(): Promise<"ours" | "lost">;
  /** Lets the next one in at once; of a lost claim, does nothing. */
  release(): Promise<void>;
};

export type TakeOutcome =
  | { readonly kind: "taken"; readonly claim: Claim }
  | {
      readonly kind: "held";
      readonly by: ClaimOwner;
      readonly heartbeatAgeMs: number;
    };

/**
 * Takes the claim on a key if nobody holds it. May watch a claim of another machine that looks stale for `ttlMs`;
 * `signal` ends the watch with `held`. `force` takes it from anybody: the holder loses it (C3).
 */
export async function takeClaim(
  store: Store,
  key: string,
  owner: ClaimOwner,
  options: ClaimOptions & {
    readonly force?: boolean;
    readonly signal?: AbortSignal;
  },
): Promise<TakeOutcome> {
  const path = layout.claim(key);
  for (;;) {
    const found = await readClaim(store, key);
    if (found && !options.force && (await isHeld(store, found, options)))
      return toHeld(found.record, options.clock);
    const nowMs = options.clock.now();
    const record: ClaimRecord = {
      version: 1,
      key,
      epoch: (found?.record.epoch ?? 0) + 1,
      token: randomUUID(),
      owner,
      takenAtMs: nowMs,
      heartbeatAtMs: nowMs,
    };
    const bytes = toJsonBytes(record);
    const outcome = await store.swap(path, bytes, found?.etag ?? null);
    if (outcome.kind === "written")
      return {
        kind: "taken",
        claim: createClaim(store, record, outcome.etag, options.clock),
      };
  }
}

export type ClaimView = {
  readonly by: ClaimOwner;
  readonly epoch: number;
  readonly heartbeatAgeMs: number;
  /** `stale`: nobody is known to be alive behind it; taking it will watch it first. */
  readonly state: "held" | "stale";
};

/** Looks at a claim without taking it; null: free. */
export async function inspectClaim(
  store: Store,
  key: string,
  options: ClaimOptions,
): Promise<ClaimView | null> {
  const found = await readClaim(store, key);
  if (found === null || found.record.token === null) return null;
  const { owner, epoch } = found.record;
  const liveness = await options.isOwnerAlive(owner);
  if (liveness === "dead") return null;
  const { heartbeatAgeMs } = toHeld(found.record, options.clock);
  const isHeldNow = liveness === "alive" || isFresh(found.record, options);
  return {
    by: owner,
    epoch,
    heartbeatAgeMs,
    state: isHeldNow ? "held" : "stale",
  };
}

/** The fencing number that a key has come to; null: it was never claimed. */
export async function readClaimEpoch(
  store: Store,
  key: string,
): Promise<number | null> {
  return (await readClaim(store, key))?.record.epoch ?? null;
}

type FoundClaim = { readonly record: ClaimRecord; readonly etag: string };

async function readClaim(
  store: Store,
  key: string,
): Promise<FoundClaim | null> {
  const path = layout.claim(key);
  const found = await store.readRecord(path);
  if (found === null) return null;
  const json = readJson(found.bytes);
  const parsed =
    json.kind === "value" ? claimSchema.safeParse(json.value) : null;
  if (parsed?.success && parsed.data.key === key)
    return { record: parsed.data, etag: found.etag };
  throw new UserError({
    code: "claim.corrupt",
    message: `the claim '${path}' in ${store.url} cannot be read`,
    hint: "another program wrote it; once nothing runs on this store, remove it (in a folder: what `.records` beside it has under that name, too)",
  });
}

/** C2. */
async function isHeld(
  store: Store,
  found: FoundClaim,
  options: ClaimOptions & { readonly signal?: AbortSignal },
): Promise<boolean> {
  const { record, etag } = found;
  if (record.token === null) return false;
  const liveness = await options.isOwnerAlive(record.owner);
  if (liveness !== "unknown") return liveness === "alive";
  if (isFresh(record, options)) return true;
  return !(await staysUnchanged(store, record.key, etag, options));
}

function isFresh(record: ClaimRecord, options: ClaimOptions): boolean {
  const ageMs = options.clock.now() - record.heartbeatAtMs;
  // Far in the future is as suspect as far in the past: the clocks disagree.
  return Math.abs(ageMs) < (options.ttlMs ?? claimTimes.ttlMs);
}

async function staysUnchanged(
  store: Store,
  key: string,
  etag: string,
  options: ClaimOptions & { readonly signal?: AbortSignal },
): Promise<boolean> {
  const { clock, signal, ttlMs = claimTimes.ttlMs } = options;
  const startMs = clock.monotonicMs();
  while (clock.monotonicMs() - startMs < ttlMs) {
    await clock.sleep(ttlMs / 6, signal);
    if (signal?.aborted) return false;
    const now = await store.readRecord(layout.claim(key));
    if (now?.etag !== etag) return false;
  }
  return true;
}

function toHeld(
  record: ClaimRecord,
  clock: Clock,
): TakeOutcome & { readonly kind: "held" } {
  const heartbeatAgeMs = Math.max(0, clock.now() - record.heartbeatAtMs);
  return { kind: "held", by: record.owner, heartbeatAgeMs };
}

function createClaim(
  store: Store,
  taken: ClaimRecord,
  firstEtag: string,
  clock: Clock,
): Claim {
  const path = layout.claim(taken.key);
  let etag = firstEtag;
  // Also after a release: a heartbeat that comes late must not take the claim back.
  let isLost = false;
  // One swap at a time: a heartbeat beside a confirm would make the other lose to ourselves.
  let last: Promise<unknown> = Promise.resolve();

  async function write(token: string | null): Promise<"ours" | "lost"> {
    const record = { ...taken, token, heartbeatAtMs: clock.now() };
    for (let attempt = 0; !isLost && attempt < 3; attempt++) {
      const outcome = await store.swap(path, toJsonBytes(record), etag);
      if (outcome.kind === "written") {
        etag = outcome.etag;
        return "ours";
      }
      // A write of ours whose answer was lost shows as a change: our own token is under it.
      const now = await readClaim(store, taken.key);
      if (now?.record.token !== taken.token) isLost = true;
      else etag = now.etag;
    }
    if (isLost) return "lost";
    throw new TransientError({
      code: "claim.busy",
      message: `the claim '${path}' changes under its holder's own name`,
    });
  }
  function inTurn(token: string | null): Promise<"ours" | "lost"> {
    const next = last.then(
      () => write(token),
      () => write(token),
    );
    last = next;
    return next;
  }
  return {
    key: taken.key,
    epoch: taken.epoch,
    heartbeat: () => inTurn(taken.token),
    confirm: () => inTurn(taken.token),
    async release() {
      await inTurn(null);
      isLost = true;
    },
  };
}
