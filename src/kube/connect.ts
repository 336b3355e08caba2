/**
 * From an environment and options, as kubectl has them, to a client of one cluster. Nothing is sent before the first
 * request: who gets no answer then learns from where it was not got.
 */
import type { Clock } from "../base/clock.ts";
import { createClient } from "./client/client.ts";
import { chooseCluster } from "./config/choose.ts";
import type { ChoiceOptions } from "./config/choose.ts";
import { createIdentity } from "./config/create-identity.ts";
import type { Impersonation } from "./config/create-identity.ts";
import type { Kube } from "./kube.ts";
import { createDispatchers } from "./transport/dispatchers.ts";
import { toProxy } from "./transport/proxy.ts";
import { createRetry, defaultRetryLimits } from "./transport/retry.ts";
import type { RetryLimits } from "./transport/retry.ts";
import { createTokenBucket } from "./transport/token-bucket.ts";
import { createTransport } from "./transport/transport.ts";
import type { RequestMade } from "./transport/transport.ts";

export type KubeLimits = {
  /** Requests a second over a longer time, and at once. */
  readonly requestsPerSecond: number;
  readonly burst: number;
  /** For requests; each watch and each followed log has one more. */
  readonly connections: number;
  /** Without an answer a request is broken after it. */
  readonly timeoutMs: number;
  /** The server ends a watch after it: below the idle limits of load balancers (5 minutes and more). */
  readonly watchSeconds: number;
  /** A watch that says nothing for so long is broken. Servers say a bookmark a minute, for what they keep in memory. */
  readonly watchSilenceMs: number;
  readonly retry: RetryLimits;
};

/** client-go's 5 and 10 are for one person's command; the server defends itself (KEP-1040). */
export const defaultKubeLimits: KubeLimits = {
  requestsPerSecond: 50,
  burst: 100,
  connections: 8,
  timeoutMs: 60_000,
  watchSeconds: 290,
  watchSilenceMs: 130_000,
  retry: defaultRetryLimits,
};

export type ConnectOptions = ChoiceOptions & {
  /** `--as`, `--as-group`. */
  readonly impersonate?: Impersonation | undefined;
  /** `hueline/1.2.3`: what stands before the slash owns the fields that are written without a name. */
  readonly userAgent: string;
  readonly clock: Clock;
  /** In [0, 1): spreads what would come at the same moment. */
  readonly random: () => number;
  readonly limits?: Partial<KubeLimits> | undefined;
  /** For metrics. */
  readonly onRequest?: ((request: RequestMade) => void) | undefined;
};

/** Throws `UserError` where kubeconfig, context or cluster are not to be had. */
export async function connect(options: ConnectOptions): Promise<Kube> {
  const { env, clock, random, userAgent, onRequest } = options;
  const limits = { ...defaultKubeLimits, ...options.limits };
  const { cluster, user, namespace } = await chooseCluster(options);
  const server = cluster.server.replace(/\/$/, "");
  const { impersonate } = options;
  const identity = createIdentity({ cluster, user, impersonate, env, clock });
  const dispatchers = createDispatchers({
    identity,
    proxy: cluster["proxy-url"] || toProxy(new URL(server), env),
    connections: limits.connections,
  });
  const bucket = createTokenBucket({
    perSecond: limits.requestsPerSecond,
    burst: limits.burst,
    clock,
  });
  const transport = createTransport({
    server,
    identity,
    dispatchers,
    bucket,
    retry: createRetry({ limits: limits.retry, clock, random }),
    clock,
    userAgent,
    timeoutMs: limits.timeoutMs,
    onRequest,
  });
  const { watchSeconds, watchSilenceMs } = limits;
  return createClient({
    transport,
    server,
    namespace,
    watchSeconds,
    watchSilenceMs,
  });
}
