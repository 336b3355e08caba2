/** `hueline controller`: looks after Runs and Schedules of a cluster; what the installation starts in its container. */
import { ExitCode, UserError } from "../../base/errors.ts";
import type { Environment } from "../environment.ts";
import { writeRunReports } from "../run-report.ts";
import { storeUrlOf } from "../store-option.ts";

type ControllerOptions = {
  readonly store?: string;
  readonly namespace?: string;
  readonly leaseNamespace?: string;
  readonly leases: boolean;
  readonly identity?: string;
  readonly image?: string;
  readonly workerServiceAccount?: string;
  readonly workerCredentialsSecret?: string;
  readonly workerGpuResource?: string;
  readonly workerEnv?: string;
  readonly workers: number;
  readonly qps: number;
  readonly burst: number;
  readonly logLevel: string;
  readonly metricsPort: number;
  readonly metricsHost: string;
  readonly limit: readonly string[];
  readonly kubeconfig?: string;
  readonly context?: string;
};

export async function controller(
  environment: Environment,
  _args: readonly string[],
  options: ControllerOptions,
): Promise<ExitCode> {
  const { host, services } = environment;
  const { store, image, identity, qps, limit, ...rest } = options;
  if (!store) throw missing("where artifacts are: --store, or HUELINE_STORE");
  if (!image)
    throw missing("the image that workers run: --image, or HUELINE_IMAGE");
  return await services.controller({
    ...rest,
    storeUrl: storeUrlOf(store, environment),
    image,
    // The same after a container was started again, and another one for each process of a machine.
    identity: identity || `${host.name}-${host.pid}`,
    requestsPerSecond: qps,
    limits: limit,
    writeReports: (of, { run, plan }) =>
      writeRunReports(of, { run, plan, host: host.name }),
  });
}

function missing(what: string): UserError {
  return new UserError({
    code: "cli.controller",
    message: `the controller needs to be told ${what}`,
    exitCode: ExitCode.usage,
  });
}
