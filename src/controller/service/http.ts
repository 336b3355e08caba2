/**
 * What a cluster asks of the process: `/metrics`, `/healthz` (restart me), `/readyz` (send nobody away who needs me).
 * Plain HTTP without authentication, for probes and scrapers: no figure here is a secret.
 */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { toError } from "../../base/errors.ts";
import type { Metrics } from "./metrics.ts";

export type HttpOptions = {
  readonly port: number;
  /** An address of this machine; `0.0.0.0` in a pod. */
  readonly host: string;
  readonly metrics: Metrics;
  /** Null: well. Else what is wrong, one line. */
  readonly health: () => string | null;
  readonly readiness: () => Promise<string | null>;
};

export type HttpServer = {
  /** Where it listens: with port 0 the system chooses one. */
  readonly url: string;
  close(): Promise<void>;
};

export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const server = createServer((request, response) => {
    response.setHeader("cache-control", "no-store");
    answer(request.url ?? "/", response, options).catch((thrown: unknown) => {
      end(response, 500, toError(thrown).message);
    });
  });
  server.listen(options.port, options.host);
  await once(server, "listening");
  const { port, address, family } = server.address() as AddressInfo;
  const host = family === "IPv6" ? `[${address}]` : address;
  return {
    url: `http://${host}:${port}`,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  url: string,
  response: ServerResponse,
  { metrics, health, readiness }: HttpOptions,
): Promise<void> {
  const path = url.split("?", 1)[0];
  if (path === "/metrics") {
    const { text, contentType } = await metrics.render();
    end(response, 200, text, contentType);
  } else if (path === "/healthz" || path === "/readyz") {
    const problem = path === "/healthz" ? health() : await readiness();
    end(response, problem === null ? 200 : 503, problem ?? "ok");
  } else end(response, 404, "there is /metrics, /healthz and /readyz");
}

function end(
  response: ServerResponse,
  status: number,
  text: string,
  contentType = "text/plain; charset=utf-8",
): void {
  response.writeHead(status, { "content-type": contentType });
  response.end(text.endsWith("\n") ? text : `${text}\n`);
}
