/** What a worker says of itself in manifests and logs; read from the process by `main.ts`. */

export type ProcessUsage = {
  /** User and system time since the process began. */
  readonly cpuMs: number;
  readonly peakMemoryBytes: number;
};

export type WorkerFacts = {
  /** Versions. */
  readonly hueline: string;
  readonly node: string;
  /** Version of TensorFlow's native library if one is there. */
  readonly tensorflow: string | null;
  readonly host: string;
  readonly pid: number;
  readonly usage: () => ProcessUsage;
};
