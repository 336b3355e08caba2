/** Where things are in a store (docs/formats.md). Pure: paths only. */

export const layout = {
  manifest: (key: string) => `cas/${key}/manifest.json`,
  /** Files of the attempt that holds claim epoch `epoch`. */
  attempt: (key: string, epoch: number) => `cas/${key}/a${epoch}/`,
  claim: (key: string) => `claims/${key}.json`,
  checkpoints: (key: string) => `ckpt/${key}/`,
  checkpoint: (key: string, epoch: number, step: number) =>
    `ckpt/${key}/${epoch}-${String(step).padStart(9, "0")}/`,
  run: (run: string) => `runs/${run}/`,
  runPipeline: (run: string) => `runs/${run}/pipeline.yaml`,
  runPlan: (run: string) => `runs/${run}/plan.json`,
  runStatus: (run: string) => `runs/${run}/status.json`,
  runEvents: (run: string) => `runs/${run}/events.jsonl`,
  runControl: (run: string) => `runs/${run}/control.json`,
  runTask: (run: string, task: string) => `runs/${run}/tasks/${task}.json`,
  /** Descriptions of tasks that share a Job: chunks by number, and their names. */
  runPack: (run: string, pack: string) => `runs/${run}/packs/${pack}/`,
  runFound: (run: string) => `runs/${run}/found.json`,
  runUsage: (run: string) => `runs/${run}/usage.json`,
  runAttempts: (run: string) => `runs/${run}/attempts/`,
  runLog: (run: string, task: string) => `runs/${run}/logs/${task}.log`,
  /** A file that was too large to be submitted in an object of a cluster, by the SHA-256 of its bytes. */
  submittedPipeline: (sha256: string) => `pipelines/${sha256}.yaml`,
  runReport: (run: string) => `runs/${run}/report/`,
  /** `name`: a run's id, an artifact's key, or the SHA-256 of a submitted file. */
  pin: (name: string) => `pins/${name}.json`,
  /** Whether artifacts are being removed, and who has said that they use some. */
  sweep: "gc/sweep.json",
  /** What is about to happen to one artifact. */
  mark: (key: string) => `gc/marks/${key}.json`,
  runLease: (run: string) => `claims/run-${run}.json`,
} as const;
