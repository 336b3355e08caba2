/** Options of `submit` and `schedule create` → what a Run is, beside its pipeline. Pure. */
import type { PodOptions, RunSpec } from "../../resources/run-resource.ts";
import { parseOverrides } from "../load-pipeline.ts";
import { durationOption } from "../unit-options.ts";

export type RunOptions = {
  readonly param: readonly string[];
  readonly queue?: string;
  readonly priority?: string;
  readonly parallelism?: number;
  readonly image?: string;
  readonly gpuResource?: string;
  readonly credentialsSecret?: string;
  readonly store?: string;
  readonly budgetGpuHours?: number;
  readonly ttl?: string;
};

type SpecWithoutPipeline = Omit<RunSpec, "pipeline" | "pipelineFrom">;

/** Only what was given: all else is the installation's to say. Throws `cli.option` (UserError). */
export function toRunSpec(options: RunOptions): SpecWithoutPipeline {
  const { queue, priority, parallelism, store, budgetGpuHours, ttl } = options;
  const { image, gpuResource, credentialsSecret } = options;
  const params = Object.fromEntries(parseOverrides(options.param));
  const pods: PodOptions = {
    ...(image !== undefined && { image }),
    ...(gpuResource !== undefined && { gpuResource }),
    ...(credentialsSecret !== undefined && { credentialsSecret }),
  };
  return {
    ...(Object.keys(params).length > 0 && { params }),
    ...(Object.keys(pods).length > 0 && { pods }),
    ...(store !== undefined && { store }),
    ...(queue !== undefined && { queue }),
    ...(priority !== undefined && { priority }),
    ...(parallelism !== undefined && { parallelism }),
    ...(budgetGpuHours !== undefined && {
      budget: { gpuHours: budgetGpuHours },
    }),
    ...(ttl !== undefined && {
      ttlSecondsAfterFinished: Math.ceil(durationOption("--ttl", ttl) / 1000),
    }),
  };
}
