/** The process of `hueline controller`: connects, looks after Runs until it is told to stop, and lets go of everything. */
import type { Clock } from "../../base/clock.ts";
import { ExitCode } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { connect, type ConnectOptions } from "../../kube/connect.ts";
import { createLiveness, readOwner } from "../../store/claims/owner.ts";
import type { Store } from "../../store/store.ts";
import { startController, type ControllerOptions } from "../controller.ts";
import { createMetrics } from "./metrics.ts";
import { toSettings, type ControllerRequest } from "./to-settings.ts";

export type RunControllerOptions = ControllerRequest &
  Pick<ConnectOptions, "kubeconfig" | "context"> &
  Pick<ControllerOptions, "fingerprint" | "writeReports"> & {
    readonly requestsPerSecond: number;
    readonly burst: number;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly openStore: (url: string) => Store;
    readonly host: string;
    readonly pid: number;
    /** `hueline/1.2.3`. */
    readonly userAgent: string;
    readonly clock: Clock;
    readonly random: () => number;
    /** Processor time of this process so far. */
    readonly cpuMs: () => number;
    readonly log: Logger;
    readonly signal: AbortSignal;
  };

/** Resolves when `signal` has aborted and everything is let go of. */
export async function runController(
  options: RunControllerOptions,
): Promise<ExitCode> {
  const { env, host, pid, log, signal, requestsPerSecond, burst } = options;
  const metrics = createMetrics();
  const kube = await connect({
    ...options,
    namespace: options.namespace || undefined,
    limits: { requestsPerSecond, burst },
    onRequest({ verb, resource, status, ms }) {
      const code = String(status ?? "none");
      metrics.request({ verb, code, seconds: ms / 1000 });
      if (verb === "watch") metrics.watchRestarted(resource);
    },
  });
  const settings = toSettings(options, { ownNamespace: kube.namespace, env });
  const controller = await startController({
    ...options,
    kube,
    settings,
    metrics,
    openStore: createStoreCache(options.openStore),
    owner: await readOwner({ host, pid, run: "", task: "controller" }),
    isOwnerAlive: createLiveness({ host }),
  });
  const { namespace, identity } = settings;
  const fields = { server: kube.server, namespace, identity };
  log.info(
    { ...fields, url: controller.url },
    "the controller looks after Runs",
  );
  await until(signal);
  log.info({}, "the controller was told to stop");
  await controller.close();
  await kube.close();
  return ExitCode.done;
}

/** One store for all Runs that use it: connections, limits and what is known of the server are shared. */
function createStoreCache(
  open: (url: string) => Store,
): (url: string) => Store {
  const stores = new Map<string, Store>();
  return (url) => {
    const store = stores.get(url) ?? open(url);
    stores.set(url, store);
    return store;
  };
}

function until(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      resolve();
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}
