/**
 * What a plan is and will cost, said once when it is made: the receipt in the status of a Run. What is cached and what
 * others compute comes from the first look at the run, which asks the store anyway.
 *
 * Hours are what earlier runs of the same stage kinds took, as the manifests of this plan's cached tasks tell. Where a
 * kind that needs GPUs has none, nothing is claimed.
 */
import { mapBounded } from "../../base/async.ts";
import type { Plan, Task } from "../../plan/plan.ts";
import type { PlanReceipt } from "../../resources/run-resource.ts";
import type { TaskState } from "../../run/task-state.ts";
import { readManifest } from "../../store/artifacts/manifest.ts";
import type { Store } from "../../store/store.ts";

const READS_AT_ONCE = 16;
/** Manifests of a kind that are read for its mean: enough for an estimate. */
const SAMPLES_OF_A_KIND = 10;

export type ReceiptOptions = {
  readonly store: Store;
  readonly plan: Plan;
  /** Of the first look, in plan order. */
  readonly states: readonly TaskState[];
  /** Whether quotas allow the largest task, in words; null: not known. */
  readonly quota: string | null;
};

export async function createReceipt(
  options: ReceiptOptions,
): Promise<PlanReceipt> {
  const { plan, states, quota } = options;
  const cached = plan.tasks.filter((_, i) => states[i]?.phase === "Succeeded");
  const open = plan.tasks.filter((_, i) => states[i]?.phase !== "Succeeded");
  const shared = states.filter(
    (state) => state.phase === "Pending" && state.wait.for === "claim",
  );
  const gpuHours = await estimateGpuHours(options.store, cached, open);
  return {
    digest: plan.digest,
    tasks: plan.tasks.length,
    cached: cached.length,
    shared: shared.length,
    peakGpus: findPeakGpus(plan, new Set(open)),
    ...(gpuHours !== null && { gpuHours: gpuHours.toFixed(1) }),
    ...(quota !== null && { quota }),
  };
}

/** GPUs of the tasks that are open and stand equally deep in the graph, at the depth where they are most. */
export function findPeakGpus(plan: Plan, open: ReadonlySet<Task>): number {
  const depths = new Map<string, number>();
  const gpus = new Map<number, number>();
  let peak = 0;
  for (const task of plan.tasks) {
    const inputs = Object.values(task.inputs).flat();
    const depth = inputs.reduce(
      (most, name) => Math.max(most, (depths.get(name) ?? -1) + 1),
      0,
    );
    // What is there already holds nobody up.
    depths.set(task.name, open.has(task) ? depth : -1);
    if (!open.has(task)) continue;
    const sum = (gpus.get(depth) ?? 0) + task.resources.gpu;
    gpus.set(depth, sum);
    peak = Math.max(peak, sum);
  }
  return peak;
}

/** Null: nothing of a kind that needs GPUs has been run. */
async function estimateGpuHours(
  store: Store,
  cached: readonly Task[],
  open: readonly Task[],
): Promise<number | null> {
  const wanted = open.filter(({ resources }) => resources.gpu > 0);
  const hours = new Map<string, number | null>();
  for (const kind of new Set(wanted.map((task) => task.kind))) {
    const known = cached.filter((task) => task.kind === kind);
    hours.set(kind, await meanHours(store, known.slice(0, SAMPLES_OF_A_KIND)));
  }
  if (wanted.length === 0 || [...hours.values()].includes(null)) return null;
  return wanted.reduce(
    (sum, { kind, resources }) => sum + (hours.get(kind) ?? 0) * resources.gpu,
    0,
  );
}

async function meanHours(
  store: Store,
  tasks: readonly Task[],
): Promise<number | null> {
  const manifests = await mapBounded(tasks, READS_AT_ONCE, ({ key }) =>
    readManifest(store, key),
  );
  const times = manifests.flatMap((found) =>
    found === null ? [] : [found.timing.wallMs],
  );
  if (times.length === 0) return null;
  return times.reduce((sum, ms) => sum + ms, 0) / times.length / 3_600_000;
}
