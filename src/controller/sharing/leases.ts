/**
 * The Leases that replicas share Runs by (`coordination.k8s.io/v1`): one per replica, renewed while it lives, and one per
 * shard, which names the replica that has it. A shard is held as long as the Lease of its holder is renewed: one renewal
 * says it for all, whatever their number.
 */
import { resources, type Kube } from "../../kube/kube.ts";
import {
  createLeaseCandidate,
  type Lease,
  type LeaseCandidate,
  type LeaseOptions,
} from "../../kube/lease.ts";
import { KubeRefusal } from "../../kube/refusal.ts";
import { GROUP } from "../../resources/labels.ts";

const LEASE_LABEL = `${GROUP}/lease`;

export type SharingLeases = {
  readonly members: readonly Lease[];
  /** By index; null: there is no object yet. */
  readonly shards: readonly (Lease | null)[];
};

export type LeaseScope = {
  readonly kube: Kube;
  /** The controller's own. */
  readonly namespace: string;
};

export async function readLeases(
  { kube, namespace }: LeaseScope,
  shards: number,
): Promise<SharingLeases> {
  const { items } = await kube.list<Lease>(resources.lease, {
    namespace,
    labelSelector: LEASE_LABEL,
  });
  const byName = new Map(items.map((lease) => [lease.metadata.name, lease]));
  return {
    members: items.filter(
      ({ metadata }) => metadata.labels?.[LEASE_LABEL] === "member",
    ),
    shards: Array.from(
      { length: shards },
      (_, shard) => byName.get(shardName(shard)) ?? null,
    ),
  };
}

/** The Lease that says that a replica is alive; its own name, so that nobody else takes it. */
export function createMember(
  options: LeaseScope &
    Pick<LeaseOptions, "identity" | "clock" | "log"> & {
      readonly durationMs: number;
      readonly renewEveryMs: number;
    },
): LeaseCandidate {
  return createLeaseCandidate({
    ...options,
    name: memberName(options.identity),
    labels: { [LEASE_LABEL]: "member" },
    renewDeadlineMs: (options.durationMs * 2) / 3,
  });
}

export async function removeMember(
  { kube, namespace }: LeaseScope,
  lease: Pick<Lease, "metadata">,
): Promise<void> {
  const { name, uid } = lease.metadata;
  await kube.remove(
    resources.lease,
    { namespace, name },
    uid === undefined ? {} : { uid },
  );
}

/**
 * Writes the holder of a shard, if nobody else has since `seen` was read.
 * @param holder null: nobody.
 */
export async function writeShard(
  { kube, namespace }: LeaseScope,
  shard: number,
  change: {
    readonly seen: Lease | null;
    readonly holder: string | null;
    readonly nowMs: number;
  },
): Promise<"written" | "changed"> {
  const { seen, holder, nowMs } = change;
  const lease: Lease = {
    ...(seen ?? newShard(shard, namespace)),
    spec: {
      ...seen?.spec,
      holderIdentity: holder ?? "",
      acquireTime: microTime(nowMs),
      renewTime: microTime(nowMs),
      leaseTransitions: (seen?.spec?.leaseTransitions ?? 0) + 1,
    },
  };
  try {
    if (seen === null) await kube.create(resources.lease, lease);
    else await kube.replace(resources.lease, lease);
    return "written";
  } catch (thrown) {
    if (!(thrown instanceof KubeRefusal)) throw thrown;
    if (thrown.status === 409 || thrown.status === 404) return "changed";
    throw thrown;
  }
}

export function memberName(identity: string): string {
  const safe = identity.toLowerCase().replace(/[^a-z0-9-]+/g, "-");
  return `hueline-member-${safe}`.slice(0, 63).replace(/-+$/, "");
}

function shardName(shard: number): string {
  return `hueline-shard-${shard}`;
}

function newShard(shard: number, namespace: string): Lease {
  return {
    apiVersion: resources.lease.apiVersion,
    kind: resources.lease.kind,
    metadata: {
      name: shardName(shard),
      namespace,
      labels: { [LEASE_LABEL]: "shard" },
    },
  };
}

/** `metav1.MicroTime`. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}
