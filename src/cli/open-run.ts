/** The run that a command means, and the store that it is in: on this machine, or a Run of a cluster. */
import type { Plan } from "../plan/plan.ts";
import type { Store } from "../store/store.ts";
import { isOfCluster, type ClusterOptions } from "./cluster/cluster-options.ts";
import type { Environment } from "./environment.ts";
import { loadRun } from "./run-artifacts.ts";
import { openStoreOption } from "./store-option.ts";

export type RunStore = { readonly store: Store; readonly run: string };

/** A Run of a cluster says where its store is; `--store` is that of runs on this machine. */
export async function openRun(
  environment: Environment,
  given: string,
  options: ClusterOptions & {
    readonly store?: string;
    /** Until a Run has been planned. */
    readonly wait?: boolean;
  },
): Promise<RunStore & { readonly plan: Plan }> {
  if (isOfCluster(options, environment)) {
    const { openClusterRun } = await import("./cluster/open-cluster-run.ts");
    return await openClusterRun(environment, given, options);
  }
  const store = openStoreOption(options.store, environment);
  return { store, ...(await loadRun(store, given)) };
}
