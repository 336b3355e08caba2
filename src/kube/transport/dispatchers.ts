/**
 * The connections to one server: kept alive, bounded, rebuilt when the certificates change.
 *
 * P1 Watches and followed logs stay open for minutes and have a connection each, which must not be one of the few that
 *    requests take turns on: two pools.
 * P2 HTTP/1.1: a reset breaks one request, not all of them.
 * P3 Requests that are under way when certificates change end on the old connections.
 */
import { Agent, ProxyAgent, Socks5ProxyAgent } from "undici";
import type { Dispatcher } from "undici";
import { UserError } from "../../base/errors.ts";
import type { Identity, TlsMaterial } from "./identity.ts";

export type Pools = {
  readonly requests: Dispatcher;
  readonly streams: Dispatcher;
};

export type Dispatchers = {
  current(): Promise<Pools>;
  /** Breaks what is under way. */
  close(): Promise<void>;
};

const connectTimeoutMs = 10_000;
/** Below the idle limits of load balancers (60 s): as client-go has it. */
const keepAliveProbeMs = 30_000;

export function createDispatchers(options: {
  readonly identity: Identity;
  readonly proxy: string | null;
  readonly connections: number;
}): Dispatchers {
  const { identity, proxy, connections } = options;
  let built: { readonly tls: TlsMaterial; readonly pools: Pools } | null = null;
  const all = new Set<Dispatcher>();

  function open(tls: TlsMaterial, connections: number | null): Dispatcher {
    const dispatcher = createDispatcher(tls, proxy, connections);
    all.add(dispatcher);
    return dispatcher;
  }
  /** When nothing uses it any more (P3). */
  function retire(dispatcher: Dispatcher): void {
    dispatcher
      .close()
      .catch(() => dispatcher.destroy())
      .finally(() => all.delete(dispatcher));
  }

  return {
    async current() {
      const tls = await identity.tls();
      if (built?.tls === tls) return built.pools;
      const old = built;
      const pools = {
        requests: open(tls, connections),
        streams: open(tls, null),
      };
      built = { tls, pools };
      if (old) [old.pools.requests, old.pools.streams].forEach(retire);
      return pools;
    },
    async close() {
      await Promise.all([...all].map((dispatcher) => dispatcher.destroy()));
    },
  };
}

function createDispatcher(
  tls: TlsMaterial,
  proxy: string | null,
  connections: number | null,
): Dispatcher {
  const { ca, cert, key, serverName, isInsecure } = tls;
  const toServer = {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(serverName && { servername: serverName }),
    ...(isInsecure && { rejectUnauthorized: false }),
  };
  const connect = {
    timeout: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveProbeMs,
  };
  // Timeouts of requests are each request's own.
  const pool = {
    connections,
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  if (proxy === null)
    return new Agent({ ...pool, connect: { ...connect, ...toServer } });
  if (/^https?:/.test(proxy))
    return new ProxyAgent({
      ...pool,
      uri: proxy,
      requestTls: toServer,
      connect,
    });
  if (/^socks5h?:/.test(proxy))
    return new Socks5ProxyAgent(proxy, { ...pool, requestTls: toServer });
  throw new UserError({
    code: "kube.proxy",
    message: `expected an http, https or socks5 proxy, found '${proxy.replace(/\/\/[^@/]*@/, "//…@")}'`,
    hint: "set HTTPS_PROXY, or `proxy-url` of the cluster in the kubeconfig",
  });
}
