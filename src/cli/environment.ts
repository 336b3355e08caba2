/**
 * What a command may touch of the world: given by `main.ts`, so that commands can be tested without a process.
 * Heavy work (TensorFlow, image decoding) is behind `services`, each loaded when it is first called.
 */
import type { ExitCode } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Place } from "../plan/create-plan.ts";
import type { Plan, Task } from "../plan/plan.ts";
import type { Manifest } from "../store/artifacts/manifest.ts";
import type { Store } from "../store/store.ts";

export type TextOutput = {
  write(text: string): void;
  writeBytes(bytes: Uint8Array): void;
  /** A person looks at it: live lines and colours are welcome. */
  readonly isTerminal: boolean;
  readonly columns: number;
};

/** Work that the command line offers but other rooms do, loaded late. */
export type Services = {
  /** The identity of what lies at a place that a pipeline reads. */
  fingerprint(place: Place): Promise<string>;
  worker(options: {
    readonly storeUrl: string;
    readonly run: string;
    /** Its name, or its place in a pack. */
    readonly task: string | { readonly pack: string; readonly index: number };
    /** Nobody holds its stdin: it goes on whoever is gone, and keeps its time limit itself. */
    readonly isDetached: boolean;
    /** What it says goes to the run's logs in the store too. */
    readonly logsToStore: boolean;
    /** Between being told to stop and being killed. */
    readonly graceMs: number;
  }): Promise<ExitCode>;
  /** Looks after the Runs of a cluster until it is told to stop. */
  controller(request: ControllerRequest): Promise<ExitCode>;
  colorize(request: ColorizeRequest): Promise<readonly ColorizedPicture[]>;
  /** What the trainings among the tasks will need in memory; null where it depends on the data. */
  trainingMemory(tasks: readonly Task[]): Promise<
    readonly {
      readonly task: string;
      readonly memory: TrainingMemory | null;
    }[]
  >;
  data(): Promise<DataService>;
  weights(): Promise<WeightService>;
  features(request: FeaturesRequest): Promise<
    readonly {
      readonly image: string;
      readonly name: string;
      readonly shape: readonly number[];
    }[]
  >;
};

/** A file of ours, or the artifact of a stage. */
export type WeightSource =
  | { readonly file: string }
  | { readonly store: Store; readonly manifest: Manifest };

export type FeaturesRequest = {
  readonly source: WeightSource;
  /** Absolute paths. */
  readonly images: readonly string[];
  readonly layer: string;
  readonly output: string;
};

/** Whose names the tensors of a file have. */
export type WeightNames = "torchvision" | "hueline";

/** What `hueline weights` does besides looking. */
export type WeightService = {
  importWeights(request: {
    readonly file: string;
    readonly arch: string;
    readonly names: WeightNames;
    readonly output: string;
    /** Factors on the architecture's own width and depth. */
    readonly scale: { readonly width?: number; readonly depth?: number };
  }): Promise<{ readonly model: unknown; readonly tensors: number }>;
  exportWeights(request: {
    readonly source: WeightSource;
    readonly names: WeightNames;
    readonly output: string;
  }): Promise<{ readonly leftOut: readonly string[] }>;
};

/** Of one training, at its largest moment, in bytes. */
export type TrainingMemory = {
  readonly peak: "step" | "end" | "statistics";
  readonly processBytes: number;
  readonly weightsBytes: number;
  readonly activationsBytes: number;
  readonly workspaceBytes: number;
  readonly totalBytes: number;
};

/** What `hueline controller` is told. */
export type ControllerRequest = {
  readonly storeUrl: string;
  /** Empty: all. Absent: that of the kubeconfig's context, or of the pod. */
  readonly namespace?: string;
  /** Default: the controller's own. */
  readonly leaseNamespace?: string;
  /** Whether Runs are shared with other replicas. */
  readonly leases: boolean;
  /** Of this replica; the same after a restart in the same place. */
  readonly identity: string;
  readonly image: string;
  readonly workerServiceAccount?: string;
  readonly workerCredentialsSecret?: string;
  readonly workerGpuResource?: string;
  readonly workers: number;
  readonly requestsPerSecond: number;
  readonly burst: number;
  readonly logLevel: string;
  readonly metricsPort: number;
  readonly metricsHost: string;
  /** `name=value`. */
  readonly limits: readonly string[];
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly writeReports: (
    store: Store,
    options: { readonly run: string; readonly plan: Plan },
  ) => Promise<unknown>;
};

/** What `hueline data` shows of a dataset. */
export type DataService = {
  listDataset(store: Store, manifest: Manifest): Promise<DatasetView>;
  verifyDataset(store: Store, manifest: Manifest): AsyncIterable<ShardView>;
  readSample(
    store: Store,
    manifest: Manifest,
    sample: string,
    options: { readonly mask: boolean },
  ): Promise<{ readonly name: string; readonly bytes: Uint8Array }>;
  previewOrder(
    store: Store,
    manifest: Manifest,
    request: OrderRequest & { readonly limit: number },
  ): Promise<readonly OrderRow[]>;
  /** What a rank reads, with the checksums of what it sees. */
  readBatches(
    store: Store,
    manifest: Manifest,
    request: OrderRequest & {
      /** JSON, as a stage's `crop`; default: the service's own. */
      readonly crop?: string;
      /** Threads; 0: as the service sees fit. */
      readonly workers: number;
      readonly signal: AbortSignal;
    },
  ): AsyncIterable<object>;
};

export type DatasetView = {
  readonly id: string;
  readonly catalog: {
    readonly samples: number;
    readonly classes: readonly string[];
    readonly perClass: readonly number[];
    readonly unlabelled: number;
    readonly meanChroma: number;
    readonly shards: readonly {
      readonly file: string;
      readonly samples: number;
      readonly sizeBytes: number;
    }[];
    readonly masks: {
      readonly samples: number;
      readonly classes: readonly string[];
    } | null;
    readonly shrink: { readonly side: number; readonly images: number } | null;
    readonly quarantine: readonly {
      readonly origin: string;
      readonly reason: string;
    }[];
  };
  readonly leftOut: readonly {
    readonly reason: string;
    readonly count: number;
  }[];
};

export type ShardView = {
  readonly file: string;
  readonly samples: number;
  readonly sizeBytes: number;
  readonly problem: string | null;
};

/** Steps of a training, counted from the first batch that begins in an epoch, and who reads which part of each. */
export type OrderRequest = {
  readonly seed: number;
  readonly epoch: number;
  readonly fromStep: number;
  /** Default: to the end of the epoch. */
  readonly steps?: number;
  /** Images of a whole batch, over all ranks. */
  readonly batch: number;
  readonly rank: number;
  readonly ranks: number;
};

export type OrderRow = {
  readonly position: number;
  readonly sample: number;
  readonly name: string;
  readonly label: string | null;
};

export type ColorizeRequest = {
  readonly store: Store;
  /** Of a pretrain artifact. */
  readonly manifest: Manifest;
  /** Absolute paths. */
  readonly images: readonly string[];
  readonly outputDirectory: string;
};

export type ColorizedPicture = {
  readonly image: string;
  readonly output: string;
};

export type Environment = {
  readonly arguments: readonly string[];
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly currentDirectory: string;
  readonly homeDirectory: string;
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  /** Asks a person; null: nobody can answer, since stdin is no terminal. Who is told to stop has answered nothing. */
  ask(question: string): Promise<string | null>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** The command line that starts this program again: node, flags, main file. */
  readonly self: readonly string[];
  readonly nodeVersion: string;
  readonly host: {
    readonly cpus: number;
    readonly memoryBytes: number;
    readonly name: string;
    readonly pid: number;
    readonly platform: string;
    readonly architecture: string;
  };
  readonly services: Services;
};
