/**
 * Who of the replicas has which shards: the decision of one of them, from what it sees. Pure.
 *
 * Shares are fair: they differ by one at most. Replicas agree on them by the order of their names, so that nobody takes
 * what another is about to give back; who sees a replica sooner than others do only waits for them.
 */
import { hash32, streamOf } from "../../base/random.ts";

export type ShardsView = {
  /** This replica's name. */
  readonly me: string;
  /** Names of all that are alive; this one counts whether it is among them or not. */
  readonly alive: readonly string[];
  /** Holder of each shard, by index; null: nobody. */
  readonly holders: readonly (string | null)[];
};

export type ShardMoves = {
  readonly take: readonly number[];
  readonly giveBack: readonly number[];
};

/** The shard that an object belongs to, by its uid. */
export function shardOf(uid: string, shards: number): number {
  return streamOf(uid) % shards;
}

export function shareShards({ me, alive, holders }: ShardsView): ShardMoves {
  const members = [...new Set([...alive, me])].sort();
  const rank = members.indexOf(me);
  const share =
    Math.floor(holders.length / members.length) +
    (rank < holders.length % members.length ? 1 : 0);
  const isAlive = new Set(members);
  const mine: number[] = [];
  const free: number[] = [];
  for (const [shard, holder] of holders.entries())
    if (holder === me) mine.push(shard);
    else if (holder === null || !isAlive.has(holder)) free.push(shard);
  // Each in an order of its own: two that come at once rarely reach for the same one.
  const order = (shard: number): number => hash32(streamOf(me), shard);
  free.sort((a, b) => order(a) - order(b));
  return {
    take: free.slice(0, Math.max(0, share - mine.length)),
    giveBack: mine.slice(share),
  };
}
