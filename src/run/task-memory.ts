/**
 * What a task needs at its next attempt. Out of memory is no matter of luck: the same again ends the same. A stage that
 * declares `memoryMax` gets that from its first such end on; one that ends so even then, or declares none, has failed.
 */
import type { Resources } from "../plan/plan.ts";
import type { AttemptObservation } from "./observation.ts";

/** Whether an attempt that ran out of memory can be given more. */
export function canRaiseMemory(resources: Resources): boolean {
  return (resources.memoryMaxBytes ?? 0) > resources.memoryBytes;
}

/** The resources of the attempt that runs, or comes next, after `attempts`. */
export function resourcesAfter(
  resources: Resources,
  attempts: readonly AttemptObservation[],
): Resources {
  const { memoryMaxBytes = 0 } = resources;
  if (!canRaiseMemory(resources)) return resources;
  return attempts.some(({ end }) => end?.cause === "out-of-memory")
    ? { ...resources, memoryBytes: memoryMaxBytes }
    : resources;
}
