/**
 * A faulty network before a real S3 server: passes requests on as they came, so that their signatures hold, and lets
 * happen to them what a script says. A stale listing is the server's own fault, and none here.
 */
import { once } from "node:events";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { toErrorAnswer } from "./answers.ts";
import type { Answer } from "./answers.ts";
import { damage } from "./faults.ts";
import type { Fault, FaultScript } from "./faults.ts";
import { sendAnswer } from "./objects.ts";

export type FaultProxy = {
  readonly endpoint: string;
  /** By kind; `unreachable`: the server did not answer. */
  readonly faults: ReadonlyMap<string, number>;
  setFaults(script: FaultScript | null): void;
  close(): Promise<void>;
};

export async function startFaultProxy(upstream: string): Promise<FaultProxy> {
  const agent = new http.Agent({ keepAlive: true });
  const faults = new Map<string, number>();
  const count = (kind: string): void =>
    void faults.set(kind, (faults.get(kind) ?? 0) + 1);
  let script: FaultScript | null = null;
  let number = 0;

  async function serve(
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "", upstream);
    const [, , ...segments] = pathname.split("/");
    const key = decodeURIComponent(segments.join("/"));
    const method = request.method ?? "";
    const view = { method, key, query: searchParams, number: ++number };
    const fault = script?.(view) ?? null;
    if (fault !== null) count(fault.kind);
    const isReset = (when: string): boolean =>
      fault?.kind === "reset" && fault.when === when;
    if (isReset("during")) return void request.socket.destroy();
    const body = await readAll(request);
    if (fault?.kind === "drop") return;
    if (isReset("before")) return void request.socket.destroy();
    if (fault?.kind === "delay") await delay(fault.ms);
    const answer =
      fault?.kind === "refuse"
        ? toErrorAnswer(fault.status, fault.code, fault.retryAfter)
        : await forward(request, damage(fault, body));
    if (isReset("after")) return void request.socket.destroy();
    if (fault?.kind === "lost")
      return send(response, method, toErrorAnswer(fault.status, fault.code));
    send(response, method, answer, body.byteLength > 0 ? null : fault);
  }

  async function forward(
    { method, url, rawHeaders }: http.IncomingMessage,
    body: Buffer,
  ): Promise<Answer> {
    const { hostname, port } = new URL(upstream);
    const options = { hostname, port, method, path: url, agent };
    const headers = rawHeaders as unknown as http.OutgoingHttpHeaders;
    const request = http.request({ ...options, headers });
    request.end(body);
    const [answer] = (await once(request, "response")) as [
      http.IncomingMessage,
    ];
    const { statusCode = 500 } = answer;
    const bytes = await readAll(answer);
    return { status: statusCode, headers: toHeaders(answer), body: bytes };
  }

  const server = http.createServer((request, response) => {
    serve(request, response).catch(() => {
      count("unreachable");
      response.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    faults,
    setFaults(next) {
      script = next;
    },
    async close() {
      agent.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function send(
  response: http.ServerResponse,
  method: string,
  answer: Answer,
  fault: Fault | null = null,
): void {
  if (method !== "HEAD")
    return sendAnswer(response, answer, { method, fault, isChunked: false });
  // Its length is that of the body which is not sent.
  response.writeHead(answer.status, { ...answer.headers }).end();
}

/** Without those that concern one connection, and with XML named as our own server names it. */
function toHeaders({
  headers,
}: http.IncomingMessage): Readonly<Record<string, string>> {
  const own = new Set(["connection", "keep-alive", "transfer-encoding"]);
  const kept = Object.entries(headers).filter(
    (entry): entry is [string, string] =>
      typeof entry[1] === "string" && !own.has(entry[0]),
  );
  const isXml = headers["content-type"]?.startsWith("application/xml");
  return {
    ...Object.fromEntries(kept),
    ...(isXml ? { "content-type": "application/xml" } : {}),
  };
}

async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
