/**
 * What explains waiting but is watched by nobody: Kueue's Workloads, and the events of Jobs that cannot create pods. Asked
 * for only while something waits, and seldom. A cluster without Kueue, or one that lets us see neither, explains less.
 */
import type { Clock } from "../../base/clock.ts";
import { resources, type Kube, type KubeObject } from "../../kube/kube.ts";
import { KubeRefusal } from "../../kube/refusal.ts";
import { timeOf, type Job } from "../jobs/job.ts";
import type { Workload } from "../jobs/why-pending.ts";

const LOOK_EVERY_MS = 5000;
const JOBS_AT_ONCE = 5;
/** The Job controller tries again after ten minutes at most. */
const SAID_AGAIN_MS = 15 * 60_000;

type KubeEvent = KubeObject & {
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string;
};

export type LookAround = {
  /** Asks again if it is time; `suspended` and `short` are the Jobs that wait for admission and for pods. */
  look(jobs: {
    readonly suspended: readonly Job[];
    readonly short: readonly Job[];
  }): Promise<void>;
  workloadOf(job: Job): Workload | null;
  failedCreateOf(job: Job): string | null;
};

export function createLookAround(options: {
  readonly kube: Kube;
  readonly namespace: string;
  readonly clock: Clock;
}): LookAround {
  const { kube, namespace, clock } = options;
  let workloads = new Map<string, Workload>();
  let failures = new Map<string, string>();
  const isTime = { workloads: createPace(clock), events: createPace(clock) };

  const lookAtWorkloads = async (): Promise<void> => {
    const all = await listIfAllowed<Workload>(kube, resources.workload, {
      namespace,
    });
    workloads = new Map(
      all.flatMap((workload) =>
        (workload.metadata.ownerReferences ?? []).map(
          ({ uid }) => [uid, workload] as const,
        ),
      ),
    );
  };
  /** An old one may be over: its Job would have said so again. */
  const isFailedCreate = ({ reason, lastTimestamp }: KubeEvent): boolean =>
    reason === "FailedCreate" &&
    clock.now() - timeOf(lastTimestamp, clock.now()) < SAID_AGAIN_MS;
  const lookAtEvents = async (jobs: readonly Job[]): Promise<void> => {
    const found = new Map<string, string>();
    for (const { metadata } of jobs.slice(0, JOBS_AT_ONCE)) {
      const events = await listIfAllowed<KubeEvent>(kube, resources.event, {
        namespace,
        fieldSelector: `involvedObject.name=${metadata.name}`,
      });
      const last = events.findLast(isFailedCreate);
      if (last?.message) found.set(metadata.uid ?? "", last.message);
    }
    failures = found;
  };

  return {
    async look({ suspended, short }) {
      if (suspended.length > 0 && isTime.workloads()) await lookAtWorkloads();
      if (short.length === 0) failures.clear();
      else if (isTime.events()) await lookAtEvents(short);
    },
    workloadOf: ({ metadata }) => workloads.get(metadata.uid ?? "") ?? null,
    failedCreateOf: ({ metadata }) => failures.get(metadata.uid ?? "") ?? null,
  };
}

/** True at most once in `LOOK_EVERY_MS`. */
function createPace(clock: Clock): () => boolean {
  let nextMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = clock.monotonicMs();
    if (nowMs < nextMs) return false;
    nextMs = nowMs + LOOK_EVERY_MS;
    return true;
  };
}

async function listIfAllowed<T extends KubeObject>(
  kube: Kube,
  resource: Parameters<Kube["list"]>[0],
  options: Parameters<Kube["list"]>[1],
): Promise<readonly T[]> {
  try {
    return (await kube.list<T>(resource, options)).items;
  } catch (thrown) {
    // Explanations are optional: no Kueue here, or no right to look.
    const isAbsent =
      thrown instanceof KubeRefusal && [403, 404].includes(thrown.status);
    if (!isAbsent) throw thrown;
    return [];
  }
}
