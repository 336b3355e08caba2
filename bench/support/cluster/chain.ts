/**
 * So many tasks in a row: how long it takes from the moment that a task's manifest is in the store to the moment that the API
 * server gets the request that creates the next task's Job. Kubernetes' own word that a Job is complete comes a second later.
 */
import { resources } from "../../../src/kube/kube.ts";
import type { Run } from "../../../src/resources/run-resource.ts";
import { storeRunOf } from "../../../src/resources/store-run.ts";
import { createRun } from "../../../src/store/runs/run-records.ts";
import { markAudit, readAudit } from "./audit.ts";
import { say } from "./fanout.ts";
import { chainPlan } from "./pipelines.ts";
import { isSucceeded, submitRun, watchFor } from "./runs.ts";
import { openPlace, startController, type World } from "./world.ts";

const LIMIT_MS = 100;

export async function chain(
  world: World,
  { length }: { readonly length: number },
): Promise<boolean> {
  const { kube, audit: file } = world;
  const place = await openPlace(world);
  // The plan first: then the controller drives it as one that it has made before.
  const spec = { pipeline: "name: chain\n" };
  const run = await submitRun(kube, place, { name: "chain", spec });
  const storeRun = storeRunOf(run);
  const plan = chainPlan(length);
  await createRun(place.store, { run: storeRun, plan, pipelineText: "" });
  const over = watchFor<Run>({
    kube,
    place,
    resource: resources.run,
    count: 1,
    isThere: isSucceeded,
  });
  const mark = markAudit(file);
  const controller = await startController(world, place);
  try {
    const startMs = Date.now();
    const { atMs: endMs } = await over;
    const usage = controller.usage();
    const audit = await readAudit(file, mark);
    const creates = audit.times("hueline-controller/", "create jobs");
    const { committedAtMs } = await place.worked();
    const gaps = creates
      .slice(1)
      .map((atMs, i) => atMs - (committedAtMs[i] ?? Number.NaN));
    const p99Ms = quantile(gaps, 0.99);
    const isWithinLimits = p99Ms < LIMIT_MS && gaps.length === length - 1;
    say({
      case: "chain",
      length,
      wallS: (endMs - startMs) / 1000,
      p50Ms: quantile(gaps, 0.5),
      p99Ms,
      maxMs: quantile(gaps, 1),
      controller: usage,
      requests: audit.of("hueline-controller/"),
      limits: { p99Ms: LIMIT_MS },
      isWithinLimits,
    });
    return isWithinLimits;
  } finally {
    await controller.stop();
    await place.close();
  }
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = Math.min(sorted.length - 1, Math.floor(part * sorted.length));
  return sorted[at] ?? Number.NaN;
}
