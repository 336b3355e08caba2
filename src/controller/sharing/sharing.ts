/**
 * Shares Runs and Schedules over replicas: each object belongs to a shard by its uid, each shard to one replica.
 *
 *  S1 A replica has a shard from the moment that its name is written into the shard's Lease, by compare-and-swap.
 *  S2 Who stops renewing its own Lease loses its shards: it lets go of them after two thirds of the duration, others
 *     take them after the whole of it since they last saw that Lease change (`lease.ts`, L1 and L2).
 *  S3 A shard is given back only after everything of it was let go.
 *
 * Two that drive one Run all the same, for a moment, do no harm: the store's lease and its fencing keep them apart.
 */
import type { Clock } from "../../base/clock.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { HeldLease } from "../../kube/lease.ts";
import {
  createMember,
  memberName,
  readLeases,
  removeMember,
  writeShard,
  type LeaseScope,
  type SharingLeases,
} from "./leases.ts";
import { shardOf, shareShards } from "./share-shards.ts";

export type SharingOptions = LeaseScope & {
  /** Of this replica, unlike that of any other that runs; the same after a restart in the same place. */
  readonly identity: string;
  readonly shards: number;
  readonly durationMs: number;
  /** How often to renew, look and decide. */
  readonly roundMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** The shard is ours from now on. */
  readonly onGained: (shard: number) => void;
  /** The shard is to be let go of; it is given back when this resolves. */
  readonly onLosing: (shard: number) => Promise<void>;
};

export type Sharing = {
  /** Whether the object with this uid is ours at this moment. */
  owns(uid: string): boolean;
  shardOf(uid: string): number;
  held(): readonly number[];
  /** Gives everything back. */
  close(): Promise<void>;
};

/** Leases of replicas that have been silent for so many durations are removed. */
const FORGOTTEN_AFTER = 10;

/** Starts sharing; resolves after the first round that went well. */
export async function openSharing(options: SharingOptions): Promise<Sharing> {
  const { clock, log, shards, roundMs } = options;
  const replica = createReplica(options);
  const over = new AbortController();
  const goOn = async (): Promise<void> => {
    try {
      await replica.round();
    } catch (thrown) {
      const { message } = toError(thrown);
      log.warn({ reason: message }, "the leases could not be looked after");
    }
    // Also what was lost between two rounds.
    await replica.loseIfSilent();
  };
  await goOn();
  const going = (async () => {
    while (!over.signal.aborted) {
      await clock.sleep(roundMs, over.signal);
      if (!over.signal.aborted) await goOn();
    }
  })();
  return {
    owns: (uid) => replica.has(shardOf(uid, shards)),
    shardOf: (uid) => shardOf(uid, shards),
    held: replica.held,
    async close() {
      over.abort();
      await going;
      await replica.leave();
    },
  };
}

type Replica = {
  has(shard: number): boolean;
  held(): readonly number[];
  round(): Promise<void>;
  loseIfSilent(): Promise<void>;
  leave(): Promise<void>;
};

function createReplica(options: SharingOptions): Replica {
  const { identity, roundMs, clock, log, onGained, onLosing } = options;
  const held = new Set<number>();
  const watch = createMemberWatch(options);
  const member = createMember({ ...options, renewEveryMs: roundMs });
  let membership: HeldLease | null = null;

  const isValid = (): boolean => membership?.lost.aborted === false;
  const lose = async (shard: number): Promise<void> => {
    held.delete(shard);
    log.info({ shard }, "a shard is no longer ours");
    await onLosing(shard);
  };
  const gain = (shard: number): void => {
    held.add(shard);
    log.info({ shard }, "a shard is ours");
    onGained(shard);
  };
  const write = (
    { shards }: SharingLeases,
    shard: number,
    holder: string | null,
  ): Promise<"written" | "changed"> =>
    writeShard(options, shard, {
      seen: shards[shard] ?? null,
      holder,
      nowMs: clock.now(),
    });
  /** S1, as the server has it: what it says of shards that we do not know of, or no longer have. */
  const agree = async (leases: SharingLeases): Promise<void> => {
    for (const [shard, lease] of leases.shards.entries()) {
      const isOurs = lease?.spec?.holderIdentity === identity;
      if (isOurs && !held.has(shard)) gain(shard);
      if (!isOurs && held.has(shard)) await lose(shard);
    }
  };
  const move = async (leases: SharingLeases): Promise<void> => {
    const { take, giveBack } = shareShards({
      me: identity,
      alive: watch.alive(),
      holders: leases.shards.map(
        (lease) => lease?.spec?.holderIdentity || null,
      ),
    });
    for (const shard of giveBack) {
      await lose(shard);
      await write(leases, shard, null);
    }
    for (const shard of take)
      if ((await write(leases, shard, identity)) === "written") gain(shard);
  };

  return {
    has: (shard) => held.has(shard) && isValid(),
    held: () => [...held],
    async round() {
      membership = await member.tryAcquire();
      if (membership === null) return;
      const leases = await readLeases(options, options.shards);
      await watch.look(leases);
      await agree(leases);
      await move(leases);
    },
    async loseIfSilent() {
      if (isValid()) return;
      for (const shard of held) await lose(shard);
    },
    async leave() {
      const mine = [...held];
      for (const shard of mine) await lose(shard);
      try {
        const leases = await readLeases(options, options.shards);
        for (const shard of mine)
          if (leases.shards[shard]?.spec?.holderIdentity === identity)
            await write(leases, shard, null);
        await membership?.release();
        await removeMember(options, {
          metadata: { name: memberName(identity) },
        });
      } catch (thrown) {
        // Others take over when our Lease is no longer renewed.
        const { message } = toError(thrown);
        log.warn({ reason: message }, "the leases could not be given back");
      }
    },
  };
}

/** Which replicas are alive, by when this one last saw their Leases change (S2). */
function createMemberWatch(options: SharingOptions): {
  look(leases: SharingLeases): Promise<void>;
  alive(): readonly string[];
} {
  const { identity, durationMs, clock } = options;
  type Seen = { readonly renewTime: string; readonly atMs: number };
  const seen = new Map<string, Seen>();
  const silentMs = ({ atMs }: Seen): number => clock.monotonicMs() - atMs;
  return {
    async look({ members }) {
      const names = new Set<string>();
      for (const lease of members) {
        const { holderIdentity, renewTime = "" } = lease.spec ?? {};
        const name = holderIdentity ?? "";
        if (name === "") continue;
        names.add(name);
        const known = seen.get(name);
        if (known?.renewTime !== renewTime)
          seen.set(name, { renewTime, atMs: clock.monotonicMs() });
        else if (silentMs(known) > durationMs * FORGOTTEN_AFTER)
          await removeMember(options, lease);
      }
      for (const name of seen.keys()) if (!names.has(name)) seen.delete(name);
    },
    alive: () =>
      [...seen]
        .filter(
          ([name, one]) => name === identity || silentMs(one) < durationMs,
        )
        .map(([name]) => name),
  };
}
