/** What `bench/cluster-worker.ts` answers; times are milliseconds since 1970. */
export type WorkerReport = {
  readonly ended: number;
  readonly lastEndedAtMs: number;
  /** When each manifest was in the store. */
  readonly committedAtMs: readonly number[];
};
