/** What the command line and the environment say → the settings of the controller. Pure; throws UserError (usage). */
import { UserError } from "../../base/errors.ts";
import { standardPods } from "../../executor/jobs/pod-template.ts";
import { standardLimits } from "../../executor/kubernetes/executor-state.ts";
import { chooseWorkerVariables } from "./worker-variables.ts";
import {
  standardControllerLimits,
  standardSharing,
  type ControllerSettings,
} from "./settings.ts";

export type ControllerRequest = {
  readonly storeUrl: string;
  /** Empty: all. Absent: that of the kubeconfig's context, or of the pod. */
  readonly namespace?: string | undefined;
  /** Default: the controller's own. */
  readonly leaseNamespace?: string | undefined;
  readonly leases: boolean;
  readonly identity: string;
  readonly image: string;
  readonly workerServiceAccount?: string | undefined;
  readonly workerCredentialsSecret?: string | undefined;
  readonly workerGpuResource?: string | undefined;
  /** Names of more variables that workers get: see `worker-variables.ts`. */
  readonly workerEnv?: string | undefined;
  readonly workers: number;
  /** 0: on a port that the system chooses. Null: nowhere. */
  readonly metricsPort: number | null;
  readonly metricsHost: string;
  /** `name=value`, by the names of the tables in `settings.ts` and of the executor's limits. */
  readonly limits: readonly string[];
};

export function toSettings(
  request: ControllerRequest,
  around: {
    /** Of the context or the pod. */
    readonly ownNamespace: string;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
): ControllerSettings {
  const { ownNamespace, env } = around;
  const limits = parseLimits(request.limits);
  const namespace = request.namespace ?? ownNamespace;
  return {
    namespace: namespace === "" ? null : namespace,
    storeUrl: request.storeUrl,
    identity: request.identity,
    pods: {
      ...standardPods,
      image: request.image,
      env: chooseWorkerVariables(env, request.workerEnv),
      ...(request.workerServiceAccount && {
        serviceAccountName: request.workerServiceAccount,
      }),
      ...(request.workerCredentialsSecret && {
        credentialsSecret: request.workerCredentialsSecret,
      }),
      ...(request.workerGpuResource && {
        gpuResource: request.workerGpuResource,
      }),
    },
    sharing: request.leases
      ? {
          namespace: request.leaseNamespace || ownNamespace,
          ...pick(standardSharing, limits),
        }
      : null,
    http:
      request.metricsPort === null
        ? null
        : { host: request.metricsHost, port: request.metricsPort },
    limits: {
      ...pick(standardControllerLimits, limits),
      workers: request.workers,
    },
    executor: pick(standardLimits, limits),
  };
}

type Numbers = Readonly<Record<string, number>>;

function parseLimits(pairs: readonly string[]): Numbers {
  const known: Numbers = {
    ...standardControllerLimits,
    ...standardSharing,
    ...standardLimits,
  };
  const entries = pairs.map((pair) => {
    const [name = "", text = ""] = pair.split("=");
    const value = Number(text);
    if (Object.hasOwn(known, name) && text !== "" && value >= 0)
      return [name, value] as const;
    throw new UserError({
      code: "controller.limit",
      message: `--limit expects name=number, found '${pair}'`,
      hint: `the names, with their defaults: ${list(known)}`,
      exitCode: 64,
    });
  });
  return Object.fromEntries(entries);
}

function list(numbers: Numbers): string {
  return Object.entries(numbers)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ");
}

/** The standard numbers of a table, with what was given for them. */
function pick<T extends Numbers>(standard: T, given: Numbers): T {
  const own = Object.entries(given).filter(([name]) =>
    Object.hasOwn(standard, name),
  );
  return { ...standard, ...Object.fromEntries(own) };
}
