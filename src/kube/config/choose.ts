/**
 * Which cluster, as whom, in which namespace: from options, files and the environment, in kubectl's order of precedence:
 * `--kubeconfig`, else the files of KUBECONFIG, else `~/.kube/config`; and where none of them says anything, the service
 * account of the pod that this runs in.
 */
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { systemCode, UserError } from "../../base/errors.ts";
import type { Environment } from "../transport/proxy.ts";
import { readKubeconfig } from "./kubeconfig.ts";
import type { Cluster, Kubeconfig, User } from "./kubeconfig.ts";

export type Choice = {
  readonly cluster: Cluster & { readonly server: string };
  readonly user: User;
  readonly namespace: string;
  /** For messages: `context 'lab'`. */
  readonly origin: string;
};

export type ChoiceOptions = {
  readonly env: Environment;
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly namespace?: string | undefined;
  /** Where a pod's service account lies. */
  readonly serviceAccountFolder?: string | undefined;
};

const defaultServiceAccountFolder =
  "/var/run/secrets/kubernetes.io/serviceaccount";

export async function chooseCluster(options: ChoiceOptions): Promise<Choice> {
  const { env, kubeconfig, context } = options;
  const files = listFiles(env, kubeconfig);
  const config = await readKubeconfig(files);
  if (kubeconfig !== undefined && config.files.length === 0)
    throw new UserError({
      code: "kube.config",
      message: `there is no kubeconfig ${kubeconfig}`,
    });
  if (context !== undefined || config.current !== null)
    return fromContext(config, files, options);
  const inPod = await fromPod(options);
  if (inPod) return inPod;
  if (config.files.length > 0)
    throw new UserError({
      code: "kube.context",
      message: `the kubeconfig ${config.files.join(", ")} has no current context`,
      hint: hintOf(
        config,
        "choose one with --context or `kubectl config use-context NAME`",
      ),
    });
  throw new UserError({
    code: "kube.config",
    message: `no kubeconfig: looked for ${files.join(", ") || "HOME, which is not set"}`,
    hint: "set KUBECONFIG, or ask whoever runs the cluster for a file to put at ~/.kube/config",
  });
}

function listFiles(env: Environment, kubeconfig: string | undefined): string[] {
  if (kubeconfig !== undefined) return [kubeconfig];
  const listed = (env["KUBECONFIG"] ?? "").split(path.delimiter);
  const files = listed.filter((file) => file !== "");
  if (files.length > 0) return files;
  const home = env["HOME"] ?? env["USERPROFILE"];
  return home === undefined ? [] : [path.join(home, ".kube", "config")];
}

function fromContext(
  config: Kubeconfig,
  files: readonly string[],
  options: ChoiceOptions,
): Choice {
  const name = options.context ?? config.current ?? "";
  const where = config.files.join(", ") || files.join(", ");
  const context = config.contexts.get(name);
  if (!context)
    throw new UserError({
      code: "kube.context",
      message: `there is no context '${name}' in ${where}`,
      hint: hintOf(config, "`kubectl config get-contexts` lists them"),
    });
  const cluster = config.clusters.get(context.cluster ?? "");
  if (!cluster?.server)
    throw new UserError({
      code: "kube.context",
      message: `context '${name}' in ${where} names the cluster '${context.cluster ?? ""}', which ${cluster ? "has no server" : "is not there"}`,
    });
  if (!/^https?:$/.test(URL.parse(cluster.server)?.protocol ?? ""))
    throw new UserError({
      code: "kube.config",
      message: `expected an http or https address as server of the cluster '${context.cluster}' in ${where}, found '${cluster.server}'`,
    });
  const user = context.user ? config.users.get(context.user) : {};
  if (!user)
    throw new UserError({
      code: "kube.context",
      message: `context '${name}' in ${where} names the user '${context.user}', who is not there`,
    });
  return {
    cluster: { ...cluster, server: cluster.server },
    user,
    namespace: options.namespace ?? context.namespace ?? "default",
    origin: `context '${name}'`,
  };
}

function hintOf({ contexts }: Kubeconfig, otherwise: string): string {
  const names = [...contexts.keys()].slice(0, 10).join(", ");
  return names === "" ? otherwise : `there are: ${names}`;
}

/** Null: this runs in no pod, or in one without a service account. */
async function fromPod(options: ChoiceOptions): Promise<Choice | null> {
  const { env, serviceAccountFolder = defaultServiceAccountFolder } = options;
  const host = env["KUBERNETES_SERVICE_HOST"];
  const port = env["KUBERNETES_SERVICE_PORT"];
  if (!host || !port) return null;
  const tokenFile = path.join(serviceAccountFolder, "token");
  if ((await readIfThere(tokenFile)) === null) return null;
  const namespace = await readIfThere(
    path.join(serviceAccountFolder, "namespace"),
  );
  return {
    cluster: {
      server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
      "certificate-authority": path.join(serviceAccountFolder, "ca.crt"),
    },
    user: { tokenFile },
    namespace: options.namespace ?? namespace?.trim() ?? "default",
    origin: "the pod's service account",
  };
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return null;
    throw thrown;
  }
}
