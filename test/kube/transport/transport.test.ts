import { once } from "node:events";
import * as http from "node:http";
import * as net from "node:net";
import { writeFile } from "node:fs/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import type { Clock } from "../../../src/base/clock.ts";
import { TransientError, UserError } from "../../../src/base/errors.ts";
import type { KubeLimits } from "../../../src/kube/connect.ts";
import { resources } from "../../../src/kube/kube.ts";
import type { Kube } from "../../../src/kube/kube.ts";
import { defaultRetryLimits } from "../../../src/kube/transport/retry.ts";
import type { RequestMade } from "../../../src/kube/transport/transport.ts";
import type { Fault } from "../../support/api-server/faults.ts";
import type { FakeApiServer } from "../../support/fake-api-server.ts";
import { connectTo, openKube } from "../../support/kube.ts";
import { startTlsFront } from "../../support/s3-server/tls-front.ts";
import { startTcpFront } from "../../support/tcp-front.ts";
import type { TcpFront } from "../../support/tcp-front.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const job = (name: string) => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name },
});
const refuse = (status: number, retryAfterSeconds?: number): Fault => ({
  kind: "refuse",
  status,
  reason: "Refused",
  ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
});
const reset: Fault = { kind: "reset", when: "after" };

/** Sleeps are noted and over at once. */
function createHastyClock(): { clock: Clock; slept: number[] } {
  const slept: number[] = [];
  const clock: Clock = {
    ...systemClock,
    sleep(ms) {
      slept.push(ms);
      return Promise.resolve();
    },
  };
  return { clock, slept };
}

describe("a request that may be done twice", () => {
  it.each([
    { name: "429", fault: refuse(429) },
    { name: "500", fault: refuse(500) },
    { name: "502", fault: refuse(502) },
    { name: "503", fault: refuse(503) },
    { name: "504", fault: refuse(504) },
    { name: "a broken connection", fault: reset },
  ])("is sent again after $name", async ({ fault }) => {
    const { server, kube } = await openKube();
    await kube.create(resources.job, job("one"));
    server.faults.add({ fault, times: 2 });
    expect(await kube.get(resources.job, { name: "one" })).not.toBeNull();
    expect(server.requests.filter(({ verb }) => verb === "get")).toHaveLength(
      3,
    );
  });

  it("is not sent again after what is no fault of the server's state", async () => {
    const { server, kube } = await openKube();
    server.faults.add({ fault: refuse(403) });
    await expect(kube.get(resources.job, { name: "one" })).rejects.toThrow(
      expect.objectContaining({ status: 403, reason: "Refused" }),
    );
    expect(server.requests).toHaveLength(1);
  });

  it("fails as something to be tried later when it has failed often enough", async () => {
    const { server, kube } = await openKube();
    server.faults.add({ fault: refuse(503), times: 100 });
    const asked = kube.get(resources.job, { name: "one" });
    await expect(asked).rejects.toThrow(TransientError);
    await expect(asked).rejects.toThrow(/answers 503 Refused/);
    expect(server.requests).toHaveLength(6);
  });

  it("waits as long as the server asks for, and a little more", async () => {
    const { clock, slept } = createHastyClock();
    const { server, kube } = await openKube({ connection: { clock } });
    server.faults.add({ fault: refuse(429, 7) });
    await kube.get(resources.job, { name: "one" });
    expect(slept).toEqual([7000.5]);
  });

  it("is left to the caller when the server asks for much", async () => {
    const { server, kube } = await openKube();
    server.faults.add({ fault: refuse(429, 3600) });
    await expect(kube.get(resources.job, { name: "one" })).rejects.toThrow(
      expect.objectContaining({ retryAfterMs: 3_600_000 }),
    );
  });
});

describe("a create", () => {
  it("is not sent again when it may have been done", async () => {
    const { server, kube } = await openKube();
    server.faults.add({ fault: reset });
    const made = kube.create(resources.job, job("one"));
    await expect(made).rejects.toThrow(TransientError);
    expect(server.get(resources.job, "one")).not.toBeNull();
    expect(server.requests).toHaveLength(1);
  });

  it("is sent again after 429, which comes before anything is done", async () => {
    const { server, kube } = await openKube();
    server.faults.add({ fault: refuse(429) });
    await kube.create(resources.job, job("one"));
    expect(server.requests).toHaveLength(2);
  });
});

describe("connections", () => {
  it("are few for many requests, and one more for each watch", async () => {
    const { server } = await openKube();
    const front = await startTcpFront(server.url);
    const kube = await connectThrough(front, server, { connections: 2 });
    const stop = new AbortController();
    const from = { resourceVersion: "1", signal: stop.signal };
    const watch = kube.watch(resources.job, from)[Symbol.asyncIterator]();
    await watch.next();
    const asked = Array.from({ length: 50 }, () =>
      kube.get(resources.job, { name: "one" }),
    );
    await Promise.all(asked);
    expect(front.connections()).toBe(3);
    stop.abort();
    await watch.next();
  });
});

describe("metrics", () => {
  it("hear of each request, its answer or that there was none", async () => {
    const made: RequestMade[] = [];
    const { server, kube } = await openKube({
      connection: { onRequest: (request) => made.push(request) },
    });
    server.faults.add({ fault: { kind: "reset", when: "before" } });
    await kube.get(resources.job, { name: "one" });
    expect(made).toMatchObject([
      { verb: "get", resource: "jobs", status: null },
      { verb: "get", resource: "jobs", status: 404 },
    ]);
  });
});

describe("a server that cannot be reached", () => {
  it("is named to a person at first, and is an outage once it has answered", async () => {
    const { server, kube } = await openKube();
    await server.stop();
    const first = kube.read("/version");
    await expect(first).rejects.toThrow(UserError);
    await expect(first).rejects.toThrow(server.url);
    await server.restart();
    await kube.read("/version");
    await server.stop();
    await expect(kube.read("/version")).rejects.toThrow(TransientError);
  });

  it("is one that never answers, too", async () => {
    const { server, kube } = await openKube({
      limits: { timeoutMs: 20, retry: { ...defaultRetryLimits, tries: 1 } },
    });
    server.faults.add({ fault: { kind: "silence" }, times: 100 });
    await expect(kube.read("/version")).rejects.toThrow(TransientError);
  });

  it("may be a proxy that says so in its own words", async () => {
    const { server, kube } = await openKube();
    server.faults.add({
      fault: {
        kind: "refuse",
        status: 403,
        reason: "Denied",
        message: "Blocked by policy",
        isText: true,
      },
    });
    await expect(kube.read("/version")).rejects.toThrow(
      expect.objectContaining({ status: 403, message: "Blocked by policy" }),
    );
  });
});

describe("certificates", () => {
  it("that nobody has vouched for are refused, with what to do", async () => {
    const { server } = await openKube();
    const front = await startTlsFront(server.url);
    const file = `${await createTemporaryFolder()}/config`;
    await writeFile(
      file,
      server.kubeconfig().replace(server.url, front.endpoint),
    );
    const kube = await connectTo(file);
    await expect(kube.read("/version")).rejects.toThrow(
      expect.objectContaining({
        code: "kube.certificate",
        hint: expect.stringContaining("certificate-authority-data") as string,
      }),
    );
  });

  it("are read again when their file changes, and connections made anew", async () => {
    const { server } = await openKube();
    const first = await startTlsFront(server.url);
    const second = await startTlsFront(server.url);
    const front = await startTcpFront(first.endpoint);
    const folder = await createTemporaryFolder();
    const cluster = {
      server: `https://127.0.0.1:${front.port}`,
      "certificate-authority": "ca.crt",
    };
    await writeFile(
      `${folder}/config`,
      server
        .kubeconfig()
        .replace(
          JSON.stringify({ server: server.url }),
          JSON.stringify(cluster),
        ),
    );
    await writeFile(`${folder}/ca.crt`, first.certificate);
    let monotonicMs = 0;
    const clock = { ...systemClock, monotonicMs: () => monotonicMs };
    const kube = await connectTo(`${folder}/config`, {}, { clock });
    expect(await kube.read("/version")).not.toBeNull();
    front.moveTo(second.endpoint);
    await writeFile(`${folder}/ca.crt`, second.certificate);
    monotonicMs += 60_000;
    expect(await kube.read("/version")).not.toBeNull();
  });
});

describe("a proxy", () => {
  it("that the kubeconfig names is gone through, and sees only where to", async () => {
    const { server } = await openKube();
    const front = await startTlsFront(server.url);
    const proxy = await startConnectProxy();
    const cluster = {
      server: front.endpoint,
      "certificate-authority-data": Buffer.from(front.certificate).toString(
        "base64",
      ),
      "proxy-url": proxy.url,
    };
    const file = `${await createTemporaryFolder()}/config`;
    const direct = JSON.stringify({ server: server.url });
    const config = server.kubeconfig().replace(direct, JSON.stringify(cluster));
    await writeFile(file, config);
    const kube = await connectTo(file);
    await kube.read("/version");
    expect(proxy.asked).toEqual([new URL(front.endpoint).host]);
  });
});

/** Tunnels, as `CONNECT host:port` asks for. */
async function startConnectProxy(): Promise<{
  readonly url: string;
  readonly asked: readonly string[];
}> {
  const asked: string[] = [];
  const proxy = http.createServer();
  const sockets = new Set<net.Socket>();
  proxy.on("connect", ({ url = "" }, socket: net.Socket) => {
    asked.push(url);
    sockets.add(socket);
    const [host, port] = url.split(":");
    const onward = net.connect(Number(port), host ?? "", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    socket.on("error", () => onward.destroy());
    onward.on("error", () => socket.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  const { port } = proxy.address() as net.AddressInfo;
  return { url: `http://127.0.0.1:${port}`, asked };
}

async function connectThrough(
  front: TcpFront,
  server: FakeApiServer,
  limits: Partial<KubeLimits>,
): Promise<Kube> {
  const file = `${await createTemporaryFolder()}/config`;
  const url = `http://127.0.0.1:${front.port}`;
  await writeFile(file, server.kubeconfig().replace(server.url, url));
  return connectTo(file, limits);
}
