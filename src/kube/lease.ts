/**
 * A Lease (coordination.k8s.io) that one of several replicas holds, to share work among them. It fences nothing: two may
 * hold it for a moment, and what they write must be safe all the same.
 *
 * L1 Clocks of machines are never compared: a lease is over when its record has not changed for its whole duration by
 *    this machine's monotonic time. The times in the record are for people.
 * L2 The holder gives up before anybody may take the lease: when it could not renew for `renewDeadlineMs`, which is
 *    shorter than the duration, counted from before the request that renewed it last.
 * L3 Every change names the version that it was decided on; whoever is late gets a conflict and looks again.
 */
import type { Clock } from "../base/clock.ts";
import { toError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { resources } from "./kube.ts";
import type { Kube, KubeObject } from "./kube.ts";
import { KubeRefusal } from "./refusal.ts";

export type Lease = KubeObject & {
  readonly spec?: {
    readonly holderIdentity?: string | null;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
};

export type HeldLease = {
  /** How often the lease has changed hands: higher than that of all holders before. */
  readonly transitions: number;
  /** Aborts when it is not ours any more, or may not be: stop what it stands for. Not by `release`. */
  readonly lost: AbortSignal;
  /** Gives it back, so that another can take it at once. */
  release(): Promise<void>;
};

export type LeaseCandidate = {
  /** Looks once. Null: somebody else holds it. While it is held, gives the same again. */
  tryAcquire(): Promise<HeldLease | null>;
  /** Who held it at the last look; null: nobody. */
  holder(): string | null;
};

export type LeaseOptions = {
  readonly kube: Kube;
  readonly namespace: string;
  readonly name: string;
  /** Of this replica, unique: the pod's name. */
  readonly identity: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Default 15 s, 10 s and 2 s, as client-go has them. */
  readonly durationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly renewEveryMs?: number;
};

export function createLeaseCandidate(options: LeaseOptions): LeaseCandidate {
  const { kube, namespace, name, identity, clock } = options;
  const { durationMs = 15_000 } = options;
  /** The record as it was seen first in this version, and when (L1). */
  let seen: { readonly version: string; readonly atMs: number } | null = null;
  let lastHolder: string | null = null;
  let held: HeldLease | null = null;

  function isOver(lease: Lease): boolean {
    const { holderIdentity, leaseDurationSeconds } = lease.spec ?? {};
    if (!holderIdentity || holderIdentity === identity) return true;
    const version = lease.metadata.resourceVersion ?? "";
    const nowMs = clock.monotonicMs();
    if (seen?.version !== version) seen = { version, atMs: nowMs };
    const itsMs = (leaseDurationSeconds ?? durationMs / 1000) * 1000;
    return nowMs - seen.atMs >= itsMs;
  }

  function toLease(before: Lease | null): Lease {
    const nowText = toMicroTime(clock.now());
    const { spec } = before ?? {};
    const wasOurs = spec?.holderIdentity === identity;
    const transitions = spec?.leaseTransitions ?? 0;
    return {
      apiVersion: resources.lease.apiVersion,
      kind: resources.lease.kind,
      metadata: before?.metadata ?? {
        name,
        namespace,
        ...(options.labels && { labels: options.labels }),
      },
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: Math.ceil(durationMs / 1000),
        acquireTime: (wasOurs && spec.acquireTime) || nowText,
        renewTime: nowText,
        leaseTransitions: before && !wasOurs ? transitions + 1 : transitions,
      },
    };
  }

  /** Null: somebody was faster. */
  async function write(before: Lease | null): Promise<Lease | null> {
    try {
      return before
        ? await kube.replace(resources.lease, toLease(before))
        : await kube.create(resources.lease, toLease(null));
    } catch (thrown) {
      if (thrown instanceof KubeRefusal && thrown.status === 409) return null;
      throw thrown;
    }
  }

  return {
    holder: () => lastHolder,
    async tryAcquire() {
      if (held && !held.lost.aborted) return held;
      const found = await kube.get<Lease>(resources.lease, { namespace, name });
      lastHolder = found?.spec?.holderIdentity || null;
      if (found && !isOver(found)) return null;
      const startMs = clock.monotonicMs();
      const taken = await write(found);
      if (!taken) return null;
      lastHolder = identity;
      const mine = hold(options, { lease: taken, renewedAtMs: startMs, write });
      held = {
        ...mine,
        async release() {
          held = null;
          lastHolder = null;
          await mine.release();
        },
      };
      return held;
    },
  };
}

function hold(
  { kube, identity, clock, log, ...options }: LeaseOptions,
  taken: {
    readonly lease: Lease;
    readonly renewedAtMs: number;
    write(before: Lease): Promise<Lease | null>;
  },
): HeldLease {
  const { renewDeadlineMs = 10_000, renewEveryMs = 2_000 } = options;
  const { namespace, name } = options;
  const lost = new AbortController();
  const ending = new AbortController();
  let { lease, renewedAtMs } = taken;

  /** False: it is somebody else's. */
  async function renew(): Promise<boolean> {
    const startMs = clock.monotonicMs();
    const renewed = await taken.write(lease);
    if (renewed) {
      lease = renewed;
      renewedAtMs = startMs;
      return true;
    }
    // A conflict: taken over, or our own renewal whose answer was lost, or somebody's label.
    const found = await kube.get<Lease>(resources.lease, { namespace, name });
    if (!found || found.spec?.holderIdentity !== identity) return false;
    lease = found;
    return true;
  }

  async function keep(): Promise<void> {
    for (;;) {
      await clock.sleep(renewEveryMs, ending.signal);
      if (ending.signal.aborted) return;
      try {
        if (!(await renew())) return give("somebody else has taken it over");
      } catch (thrown) {
        log.debug(
          { lease: name, error: toError(thrown) },
          "a lease could not be renewed",
        );
      }
    }
  }
  function give(why: string): void {
    if (ending.signal.aborted) return;
    log.warn({ lease: name, why }, "a lease is lost");
    ending.abort();
    lost.abort(why);
  }
  /** Beside the renewals, which may hang (L2). */
  async function guard(): Promise<void> {
    for (;;) {
      const leftMs = renewedAtMs + renewDeadlineMs - clock.monotonicMs();
      if (leftMs <= 0) return give("it could not be renewed in time");
      await clock.sleep(leftMs, ending.signal);
      if (ending.signal.aborted) return;
    }
  }
  const keeping = keep();
  const guarding = guard();

  return {
    transitions: lease.spec?.leaseTransitions ?? 0,
    lost: lost.signal,
    async release() {
      const wasOurs = !ending.signal.aborted;
      ending.abort();
      // A renewal that hangs is not waited for: whichever write comes second conflicts (L3).
      const patience = new AbortController();
      const ended = Promise.all([keeping, guarding]);
      await Promise.race([ended, clock.sleep(renewEveryMs, patience.signal)]);
      patience.abort();
      if (wasOurs) await vacate();
    },
  };

  async function vacate(): Promise<void> {
    try {
      const spec = { ...lease.spec, holderIdentity: "" };
      await kube.replace(resources.lease, { ...lease, spec });
    } catch (thrown) {
      // Somebody has it already, or it is gone: all that was wanted.
      const isTheirs =
        thrown instanceof KubeRefusal && [404, 409].includes(thrown.status);
      if (!isTheirs) throw thrown;
    }
  }
}

/** `metav1.MicroTime`. */
function toMicroTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}
