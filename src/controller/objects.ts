/**
 * What the controller watches, and how little of it it keeps: Runs without their pipelines (up to 256 KiB each, read once
 * when they are planned), Jobs without templates, pods without specs.
 */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Job, Pod } from "../executor/jobs/job.ts";
import { openInformer } from "../kube/informer.ts";
import type { Informer } from "../kube/informer-port.ts";
import { resources, type Kube } from "../kube/kube.ts";
import { labels } from "../resources/labels.ts";
import type { Run } from "../resources/run-resource.ts";
import type { Schedule } from "../resources/schedule-resource.ts";

export const readOfPodSpec = (field: string): boolean => field === "nodeName";

export type Watched = {
  /** By the uid of the Schedule that owns them. */
  readonly runs: Informer<Run>;
  readonly schedules: Informer<Schedule>;
  /** By the uid of their Run, as `labels.run` says. */
  readonly jobs: Informer<Job>;
  readonly pods: Informer<Pod>;
  readonly synced: Promise<void>;
  /** The longest time that nothing was heard of a kind. */
  silentMs(): number;
  close(): Promise<void>;
};

export function watchObjects(options: {
  readonly kube: Kube;
  /** Null: all. */
  readonly namespace: string | null;
  readonly relistMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}): Watched {
  const { namespace, ...rest } = options;
  const scope = { ...rest, ...(namespace !== null && { namespace }) };
  const runs = openInformer<Run>({
    ...scope,
    resource: resources.run,
    indexBy: scheduleUidOf,
    specFields: (field) => field !== "pipeline",
  });
  const schedules = openInformer<Schedule>({
    ...scope,
    resource: resources.schedule,
  });
  const jobs = openInformer<Job>({
    ...scope,
    resource: resources.job,
    labelSelector: labels.run,
    indexBy: runUidOf,
    specFields: (field) => field !== "template",
  });
  const pods = openInformer<Pod>({
    ...scope,
    resource: resources.pod,
    labelSelector: labels.run,
    indexBy: runUidOf,
    specFields: readOfPodSpec,
  });
  const all = [runs, schedules, jobs, pods];
  return {
    runs,
    schedules,
    jobs,
    pods,
    synced: Promise.all(all.map(({ synced }) => synced)).then(() => undefined),
    silentMs: () => Math.max(...all.map((one) => one.silentMs())),
    async close() {
      await Promise.all(all.map((one) => one.close()));
    },
  };
}

function scheduleUidOf({ metadata }: Run): string | null {
  const owner = metadata.ownerReferences?.find(
    ({ kind, controller }) => kind === "Schedule" && controller === true,
  );
  return owner?.uid ?? null;
}

export function runUidOf({ metadata }: Job | Pod): string | null {
  return metadata.labels?.[labels.run] ?? null;
}
