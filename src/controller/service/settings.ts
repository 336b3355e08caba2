/** Everything that can be set of the controller, with its defaults in one place: every number that limits something. */
import type { PodSettings } from "../../executor/jobs/pod-template.ts";
import type { KubernetesLimits } from "../../executor/kubernetes/executor-state.ts";

export type ControllerSettings = {
  /** Where Runs are looked for; null: in all namespaces. */
  readonly namespace: string | null;
  /** The store of Runs that name none: `s3://bucket/prefix`. */
  readonly storeUrl: string;
  /** What pods get where a Run does not say. */
  readonly pods: Omit<PodSettings, "storeUrl">;
  /** Null: this controller is alone, and everything is its own. */
  readonly sharing: SharingSettings | null;
  /** Of this replica; the same after a restart in the same place. */
  readonly identity: string;
  readonly http: { readonly host: string; readonly port: number } | null;
  readonly limits: ControllerLimits;
  readonly executor: Partial<KubernetesLimits>;
};

export type SharingSettings = {
  /** Where the Leases are: the controller's own namespace. */
  readonly namespace: string;
  readonly shards: number;
  readonly durationMs: number;
  readonly roundMs: number;
};

export type ControllerLimits = {
  /** Runs that are looked after at the same time. */
  readonly workers: number;
  /** A Run that goes on is looked at least so often, whether anything has changed or not. */
  readonly lookEveryMs: number;
  /** Between two turns of one Run: what changes meanwhile is seen at once. */
  readonly stepGapMs: number;
  /** … or so many times what the last one kept the processor busy, so that nothing is done over and over for a huge plan. */
  readonly stepGapShare: number;
  /** Where something may start that could not before: so many times what turns have kept the processor busy … */
  readonly urgentGapShare: number;
  /** … but for so much of it, which no turn waits for. */
  readonly stepReserveMs: number;
  readonly maxStepGapMs: number;
  /** Between two writes of the status of one Run. */
  readonly statusEveryMs: number;
  /** Lists are compared with what was watched this often. */
  readonly relistMs: number;
  /** Nothing heard of the server for so long: not ready. */
  readonly silenceMs: number;
  /** A turn that takes longer hangs: not healthy. */
  readonly hangMs: number;
  readonly shutdownMs: number;
};

export const standardControllerLimits: ControllerLimits = {
  workers: 8,
  lookEveryMs: 10_000,
  stepGapMs: 50,
  stepGapShare: 60,
  urgentGapShare: 4,
  stepReserveMs: 400,
  maxStepGapMs: 5_000,
  statusEveryMs: 1_000,
  relistMs: 600_000,
  silenceMs: 300_000,
  hangMs: 900_000,
  shutdownMs: 10_000,
};

export const standardSharing = {
  shards: 8,
  durationMs: 15_000,
  roundMs: 5_000,
} as const;
