/** What the parts of an open executor share: its options, what it knows, and what it saw last. */
import type { Logger } from "../../base/log.ts";
import type { AttemptObservation, RunControl } from "../../run/observation.ts";
import type { createKeyWatch } from "../key-watch.ts";
import type { PodSettings } from "../jobs/pod-template.ts";
import type { createSignalFlag } from "../signal-flag.ts";
import type { createTaskIndex } from "../task-index.ts";
import type { EndedAttempts } from "./ended-attempts.ts";
import type { createGpuUsage, GpuUsed } from "./gpu-usage.ts";
import type { JobWatch, JobWatchOptions } from "./job-watch.ts";
import type { QuotaTroubles } from "./quota-troubles.ts";
import type { Starter } from "./start-tasks.ts";

export type KubernetesLimits = {
  /** A container that cannot be created (image, Secret) fails its task after this time. */
  readonly stuckMs: number;
  /** Waiting for a quota for longer is said as a trouble. */
  readonly quotaMs: number;
  /** Of a finished Job whose tasks are settled. */
  readonly ttlSeconds: number;
  /** Tasks in one Job. */
  readonly maxPack: number;
};

export const standardLimits: KubernetesLimits = {
  stuckMs: 10 * 60_000,
  quotaMs: 24 * 3_600_000,
  ttlSeconds: 600,
  maxPack: 10_000,
};

export type KubernetesExecutorOptions = JobWatchOptions & {
  readonly settings: PodSettings;
  /** Who computes the key at this moment, for people to read; null: nobody. */
  readonly findHolder: (key: string) => Promise<string | null>;
  readonly readControl: () => RunControl | Promise<RunControl>;
  readonly log: Logger;
  readonly limits?: Partial<KubernetesLimits>;
  /** What was used before, as the driver before this one has left it. */
  readonly usedBefore?: GpuUsed | null;
};

export type ExecutorState = {
  readonly options: KubernetesExecutorOptions;
  readonly limits: KubernetesLimits;
  readonly ended: EndedAttempts;
  readonly flag: ReturnType<typeof createSignalFlag>;
  readonly keys: ReturnType<typeof createKeyWatch>;
  readonly watch: JobWatch;
  readonly usage: ReturnType<typeof createGpuUsage>;
  readonly starter: Starter;
  readonly quota: QuotaTroubles;
  readonly byNameOf: ReturnType<typeof createTaskIndex>;
  /** Keys that were in the store when the run began; null: not yet asked. */
  found: ReadonlySet<string> | null;
  /** The Jobs of the run as of the last look, and pods whose Jobs are gone. */
  around: Awaited<ReturnType<JobWatch["look"]>>;
  /** Attempts that the cluster showed then. */
  seen: ReadonlyMap<string, readonly AttemptObservation[]>;
};
