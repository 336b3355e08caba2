/** Which cluster a command means: its options, as people know them from kubectl, and whether it means one at all. */
import { Option } from "commander";
import type { Action } from "../command-declaration.ts";
import type { Environment } from "../environment.ts";

export type ClusterOptions = {
  readonly cluster?: boolean;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly as?: string;
};

/** Of commands that always mean a cluster. */
export const connectionOptions = (): readonly Option[] => [
  new Option("--kubeconfig <file>", "instead of the files of KUBECONFIG"),
  new Option("--context <name>", "of the kubeconfig, instead of the current"),
  new Option("-n, --namespace <name>", "instead of the context's"),
  new Option("--as <user>", "in whose name, where the server allows it"),
];

/** Of commands that mean a store unless one of these is given. */
export const clusterOptions = (): readonly Option[] => [
  new Option(
    "--cluster",
    "of a Run in a cluster; so do HUELINE_CLUSTER=1 and the options below",
  ),
  ...connectionOptions(),
];

/** Whether a command that can mean both means the cluster. */
export function isOfCluster(
  options: ClusterOptions,
  { variables }: Pick<Environment, "variables">,
): boolean {
  const { cluster, kubeconfig, context, namespace, as } = options;
  const isGiven = [kubeconfig, context, namespace, as].some(
    (value) => value !== undefined,
  );
  const variable = variables["HUELINE_CLUSTER"] ?? "";
  return cluster === true || isGiven || !["", "0", "false"].includes(variable);
}

/** A command that can mean both: only what is meant is loaded. */
export async function hereOrInCluster(
  here: () => Promise<Action>,
  inCluster: () => Promise<Action>,
): Promise<Action> {
  return async (environment, args, options) => {
    const action = await (isOfCluster(options, environment)
      ? inCluster()
      : here());
    return await action(environment, args, options);
  };
}
