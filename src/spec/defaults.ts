/** What a stage has when its file does not say: resources of its kind, seeds of the pipeline. In one place. */
import type { CheckpointSpec, Resources } from "./pipeline-spec.ts";
import type { StageFile } from "./schema.ts";
import type { StageKindDeclaration } from "./stage-kinds.ts";

export function resolveResources(
  written: StageFile["resources"],
  declaration: StageKindDeclaration,
): Resources {
  return {
    cpu: written.cpu ?? declaration.resources.cpu,
    memoryBytes: written.memory ?? declaration.resources.memoryBytes,
    gpu: written.gpu ?? 0,
    ...(written.memoryMax === undefined
      ? {}
      : { memoryMaxBytes: written.memoryMax }),
    ...(written.workers === undefined ? {} : { workers: written.workers }),
  };
}

/** What holds where a file says nothing. The last two: one may be damaged, or cut off while it was written. */
export const defaultCheckpoint: CheckpointSpec = {
  every: null,
  keep: { last: 2, everySteps: null, best: null },
  outageMs: 30 * 60_000,
};

export function resolveCheckpoint(
  written: StageFile["checkpoint"],
): CheckpointSpec | null {
  if (written === undefined) return null;
  const { every, keep = {}, outage } = written;
  const standard = defaultCheckpoint;
  return {
    every: every ?? standard.every,
    keep: {
      last: keep.last ?? standard.keep.last,
      everySteps: keep.every ?? standard.keep.everySteps,
      best: keep.best ?? standard.keep.best,
    },
    outageMs: outage ?? standard.outageMs,
  };
}

/** The seed axis and the fixed seed of a stage: at most one of the two. */
export function resolveSeeds(
  written: Pick<StageFile, "seed" | "seeds">,
  declaration: StageKindDeclaration,
  pipelineSeeds: readonly number[],
): { readonly seeds: readonly number[] | null; readonly seed: number | null } {
  if (!declaration.seeded) return { seeds: null, seed: null };
  if (written.seed !== undefined) return { seeds: null, seed: written.seed };
  return { seeds: written.seeds ?? pipelineSeeds, seed: null };
}
