/**
 * A connection to the cluster for the time of one command. What the server refuses becomes an error that says who can
 * mend it and how; a command sees `KubeRefusal` only where it catches it itself.
 */
import { randomInt } from "node:crypto";
import path from "node:path";
import { UserError } from "../../base/errors.ts";
import { connect } from "../../kube/connect.ts";
import type { Kube } from "../../kube/kube.ts";
import { KubeRefusal, toUserError } from "../../kube/refusal.ts";
import type { Environment } from "../environment.ts";
import type { ClusterOptions } from "./cluster-options.ts";

/** Fields that a command writes are this owner's. */
const USER_AGENT = "hueline-cli/1";
const DRAWS = 2 ** 32;

/** In [0, 1): spreads what would come at the same moment. */
export function random(): number {
  return randomInt(DRAWS) / DRAWS;
}

export async function withCluster<T>(
  environment: Environment,
  options: ClusterOptions,
  act: (kube: Kube) => Promise<T>,
): Promise<T> {
  const { variables, currentDirectory, clock } = environment;
  const { kubeconfig, context, namespace, as } = options;
  const kube = await connect({
    env: variables,
    kubeconfig: kubeconfig && path.resolve(currentDirectory, kubeconfig),
    context,
    namespace,
    impersonate: as === undefined ? undefined : { user: as },
    userAgent: USER_AGENT,
    clock,
    random,
  });
  try {
    return await act(kube);
  } catch (thrown) {
    throw thrown instanceof KubeRefusal ? explain(thrown, kube) : thrown;
  } finally {
    await kube.close();
  }
}

function explain(refusal: KubeRefusal, { server }: Kube): UserError {
  if (isUnknownKind(refusal)) return notInstalled(server, refusal);
  if (refusal.status === 403 && !refusal.message.includes("exceeded quota"))
    return forbidden(refusal, server);
  return toUserError(refusal, server);
}

/** The path itself is unknown, and not an object that is looked for there. */
function isUnknownKind({ status, message }: KubeRefusal): boolean {
  return status === 404 && message.includes("the server could not find");
}

function notInstalled(server: string, cause: KubeRefusal): UserError {
  return new UserError({
    code: "kube.not-installed",
    message: `the cluster at ${server} knows no Runs: hueline is not installed there`,
    hint: "whoever runs the cluster installs it with `helm install hueline helm/hueline`, or the definitions alone with `kubectl apply -f k8s/crds`",
    cause,
  });
}

const reading = new Set(["get", "list", "watch"]);

/** `… User "ada" cannot create resource "runs" in API group "hueline.dev" in the namespace "team"`. */
function forbidden(refusal: KubeRefusal, server: string): UserError {
  const { message } = refusal;
  const [, verb, what] = /cannot (\S+) resource "([^"]+)"/.exec(message) ?? [];
  const role = reading.has(verb ?? "") ? "hueline-viewer" : "hueline-editor";
  const right = verb === undefined ? "this" : `'${verb}' on ${what}`;
  return new UserError({
    code: "kube.forbidden",
    message: `the API server at ${server} says: ${message}`,
    hint: `${right} is a right of the role '${role}', which the chart ships: ask for it in this namespace, or choose another with --namespace`,
    cause: refusal,
  });
}
