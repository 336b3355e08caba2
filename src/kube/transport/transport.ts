/**
 * Requests to one API server: paced, sent on shared connections, tried again where that is safe (`retry.ts`), counted.
 *
 * R1 401 is answered by new credentials, once a request: tokens rotate.
 * R2 Watches and logs are paced by their callers: they are few, and must not wait behind a burst of requests.
 */
import type { Dispatcher } from "undici";
import type { Clock } from "../../base/clock.ts";
import { KubeRefusal } from "../refusal.ts";
import { toPortError, toRefusal } from "./answer.ts";
import { readBursts } from "./bursts.ts";
import type { Dispatchers } from "./dispatchers.ts";
import { toServerError } from "./failure.ts";
import type { Identity } from "./identity.ts";
import type { Repeatable, Retry } from "./retry.ts";
import type { TokenBucket } from "./token-bucket.ts";

export type ApiRequest = Repeatable & {
  /** For metrics: `get`, `list`, …; and of which resource. */
  readonly verb: string;
  readonly resource: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly body?: object;
  readonly contentType?: string;
};

export type RequestMade = {
  readonly verb: string;
  readonly resource: string;
  /** Null: no answer came. */
  readonly status: number | null;
  readonly ms: number;
};

/** How the answer's body is read. */
type Reading = Pick<Dispatcher.RequestOptions, "bodyTimeout" | "highWaterMark">;

export type Transport = {
  /** The answer as JSON. Throws as the port says. */
  send(request: ApiRequest): Promise<unknown>;
  /**
   * The answer's bytes as they come, all that has come since the last were taken; a silence of `silenceMs` (0: of any length)
   * means that the connection is broken.
   */
  open(
    request: ApiRequest,
    silenceMs: number,
  ): Promise<AsyncIterable<readonly Uint8Array[]>>;
  close(): Promise<void>;
};

export type TransportOptions = {
  readonly server: string;
  readonly identity: Identity;
  readonly dispatchers: Dispatchers;
  readonly bucket: TokenBucket;
  readonly retry: Retry;
  readonly clock: Clock;
  readonly userAgent: string;
  /** Without an answer a request is broken after it. */
  readonly timeoutMs: number;
  readonly onRequest?: ((request: RequestMade) => void) | undefined;
};

export function createTransport(options: TransportOptions): Transport {
  const { server, identity, dispatchers, bucket, retry, clock } = options;
  const { origin, pathname } = new URL(server);
  const prefix = pathname.replace(/\/$/, "");
  let hasAnswered = false;

  async function exchange(
    dispatcher: Dispatcher,
    request: ApiRequest,
    reading: Reading,
  ): Promise<Dispatcher.ResponseData> {
    const { verb, resource, method, body, signal } = request;
    const type = request.contentType ?? "application/json";
    const headers = {
      accept: "application/json",
      "user-agent": options.userAgent,
      ...(await identity.headers()),
      ...(body && { "content-type": type }),
    };
    const startMs = clock.monotonicMs();
    let status: number | null = null;
    try {
      const answer = await dispatcher.request({
        origin,
        path: prefix + request.path,
        method,
        headers,
        headersTimeout: options.timeoutMs,
        ...reading,
        ...(body && { body: JSON.stringify(body) }),
        ...(signal && { signal }),
      });
      status = answer.statusCode;
      hasAnswered = true;
      if (status >= 400) throw await readRefusal(answer);
      return answer;
    } finally {
      const ms = clock.monotonicMs() - startMs;
      options.onRequest?.({ verb, resource, status, ms });
    }
  }

  function toThrow(request: ApiRequest, thrown: unknown): unknown {
    if (request.signal?.aborted) return thrown;
    if (thrown instanceof KubeRefusal) return toPortError(thrown);
    return toServerError(thrown, server, !hasAnswered);
  }

  async function persist<T>(
    request: ApiRequest,
    attempt: () => Promise<T>,
  ): Promise<T> {
    const renewing = async (): Promise<T> => {
      try {
        return await attempt();
      } catch (thrown) {
        const isUnknown =
          thrown instanceof KubeRefusal && thrown.status === 401;
        if (!isUnknown || !identity.renew()) throw thrown;
        return attempt();
      }
    };
    try {
      return await retry.run(request, renewing);
    } catch (thrown) {
      throw toThrow(request, thrown);
    }
  }

  return {
    send: (request) =>
      persist(request, async () => {
        await bucket.take(request.signal);
        const { requests } = await dispatchers.current();
        const answer = await exchange(requests, request, {
          bodyTimeout: options.timeoutMs,
        });
        return answer.body.json();
      }),
    open: (request, silenceMs) =>
      persist(request, async () => {
        const { streams } = await dispatchers.current();
        const { body } = await exchange(streams, request, {
          bodyTimeout: silenceMs,
          // Who rests leaves what comes to the socket.
          highWaterMark: 1,
        });
        const toPort = (thrown: unknown) => toThrow(request, thrown);
        return readBursts(body, { toThrow: toPort, clock });
      }),
    close: () => dispatchers.close(),
  };
}

async function readRefusal({
  statusCode,
  body,
  headers,
}: Dispatcher.ResponseData): Promise<KubeRefusal> {
  const header = headers["retry-after"];
  const retryAfter = Array.isArray(header) ? header[0] : header;
  return toRefusal(statusCode, await body.text(), retryAfter);
}
