/** What a finished attempt commits: the task, what it made, and who made it at what cost. */
import type { TaskDescription } from "../plan/task-description.ts";
import { declarationOf } from "../spec/stage-kinds.ts";
import type { StageResult } from "../stages/stage.ts";
import type { Manifest, ManifestFile } from "../store/artifacts/manifest.ts";
import type { WorkerFacts } from "./facts.ts";

/** The manifest of the attempt `made`; its bytes besides `producer` and `timing` follow from the task alone. */
export function toManifest(made: {
  readonly description: TaskDescription;
  readonly epoch: number;
  readonly files: readonly ManifestFile[];
  readonly result: StageResult;
  readonly facts: WorkerFacts;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  /** Null: from the beginning. */
  readonly resumedAtStep: number | null;
}): Manifest {
  const { description, facts, startedAtMs, finishedAtMs, resumedAtStep } = made;
  const { run, task, inputs } = description;
  const usage = facts.usage();
  return {
    version: 1,
    key: task.key,
    kind: task.kind,
    contract: declarationOf(task.kind === "catalog" ? "shard" : task.kind)
      .contract,
    epoch: made.epoch,
    files: [...made.files],
    // A copy, because the schema's JSON is mutable.
    params: structuredClone(task.params) as Manifest["params"],
    seed: task.seed,
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, references]) => [
        name,
        references.map(({ key }) => key),
      ]),
    ),
    metrics: { ...made.result.metrics },
    producer: {
      hueline: facts.hueline,
      node: facts.node,
      tensorflow: facts.tensorflow,
      host: facts.host,
      run,
      task: task.name,
    },
    timing: {
      startedAtMs,
      finishedAtMs,
      wallMs: finishedAtMs - startedAtMs,
      cpuMs: usage.cpuMs,
      peakMemoryBytes: usage.peakMemoryBytes,
      ...(resumedAtStep === null ? {} : { resumedAtStep }),
      ...(made.result.loader ? { loader: { ...made.result.loader } } : {}),
    },
  };
}
