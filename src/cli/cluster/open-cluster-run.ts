/** From a Run of a cluster to its records in the store, which its status names. */
import { UserError } from "../../base/errors.ts";
import type { Kube } from "../../kube/kube.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Run } from "../../resources/run-resource.ts";
import { isEnded } from "../../resources/run-status.ts";
import { readPlan } from "../../store/runs/run-records.ts";
import type { Environment } from "../environment.ts";
import type { RunStore } from "../open-run.ts";
import { openStoreOption } from "../store-option.ts";
import type { ClusterOptions } from "./cluster-options.ts";
import { findClusterRun } from "./find-run.ts";
import { followRun } from "./follow-run.ts";
import { withCluster } from "./open-cluster.ts";

/** Throws `run.unplanned` (UserError) for a Run that has nothing in a store yet. */
export async function openClusterRun(
  environment: Environment,
  given: string,
  options: ClusterOptions & { readonly wait?: boolean },
): Promise<RunStore & { readonly plan: Plan }> {
  const run = await withCluster(environment, options, async (kube) => {
    const found = await findClusterRun(kube, given);
    return options.wait === true
      ? await awaitPlanned(kube, found, environment)
      : found;
  });
  const place = toRunStore(run, environment);
  if (place === null) throw unplanned(run);
  const plan = await readPlan(place.store, place.run);
  if (plan === null) throw notThere(run, place);
  return { ...place, plan };
}

/** Null: nothing of it is in a store. */
export function toRunStore(
  { status }: Run,
  environment: Pick<Environment, "currentDirectory" | "variables">,
): RunStore | null {
  const { store, storeRun, plan } = status ?? {};
  if (!store || !storeRun || plan === undefined) return null;
  return { store: openStoreOption(store, environment), run: storeRun };
}

async function awaitPlanned(
  kube: Kube,
  run: Run,
  environment: Environment,
): Promise<Run> {
  let last = run;
  for await (const seen of followRun(kube, run, environment)) {
    last = seen;
    const { status } = seen;
    if (status?.plan !== undefined || isEnded(status?.phase ?? "Planning"))
      return seen;
  }
  return last;
}

function unplanned({ metadata: { name }, status }: Run): UserError {
  const how =
    status === undefined
      ? "no controller has looked at it yet"
      : `${status.phase}, ${status.reason}`;
  return new UserError({
    code: "run.unplanned",
    message: `the Run '${name}' has nothing in a store: ${how}`,
    hint: `\`hueline status ${name} --cluster -w\` follows it`,
  });
}

function notThere({ metadata: { name } }: Run, { store, run }: RunStore) {
  const isOfPods = store.url.startsWith("file:");
  return new UserError({
    code: "run.corrupt",
    message: `the Run '${name}' is '${run}' of ${store.url}, and there is no such run`,
    hint: isOfPods
      ? "that is a folder of the pods' machines: it can be read there alone"
      : "are AWS_ENDPOINT_URL_S3 and the credentials here those of the cluster's pods? If so, its records were removed",
  });
}
