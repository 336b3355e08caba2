import { describe, expect, it } from "vitest";
import { TransientError } from "../../../src/base/errors.ts";
import { resources } from "../../../src/kube/kube.ts";
import type { WatchEvent, KubeObject } from "../../../src/kube/kube.ts";
import { testNamespace } from "../../support/fake-api-server.ts";
import type { FakeApiServer } from "../../support/fake-api-server.ts";
import { collect } from "../../support/collect.ts";
import { openKube } from "../../support/kube.ts";

function putPods(server: FakeApiServer, count: number): void {
  for (let n = 0; n < count; n++)
    server.put(resources.pod, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: `pod-${n}`, namespace: testNamespace },
    });
}

describe("a list", () => {
  it("has all pages", async () => {
    const { server, kube } = await openKube();
    putPods(server, 1100);
    const { items } = await kube.list(resources.pod, {});
    expect(new Set(items.map(({ metadata }) => metadata.name)).size).toBe(1100);
    expect(server.requests).toHaveLength(3);
  });

  it("starts over when the server forgets it in the middle", async () => {
    const { server, kube } = await openKube();
    putPods(server, 1100);
    const fault = { kind: "refuse", status: 410, reason: "Expired" } as const;
    server.faults.add({ verb: "list", after: 1, fault });
    const { items } = await kube.list(resources.pod, {});
    expect(items).toHaveLength(1100);
    expect(server.requests).toHaveLength(5);
  });

  it("that is forgotten each time is given up", async () => {
    const { server, kube } = await openKube();
    const fault = { kind: "refuse", status: 410, reason: "Expired" } as const;
    server.faults.add({ verb: "list", times: 100, fault });
    const listed = kube.list(resources.pod, {});
    await expect(listed).rejects.toThrow(TransientError);
  });
});

describe("a watch", () => {
  async function open(limits = {}) {
    const { server, kube } = await openKube({ limits });
    const { resourceVersion } = await kube.list(resources.pod, {});
    const stop = new AbortController();
    const from = { resourceVersion, signal: stop.signal };
    const watch = kube.watch(resources.pod, from);
    const events = watch[Symbol.asyncIterator]();
    const next = async (): Promise<WatchEvent<KubeObject> | null> => {
      const { value, done } = await events.next();
      return done ? null : value;
    };
    expect(await next()).toEqual({ type: "BOOKMARK", resourceVersion });
    return { server, kube, stop, next };
  }

  it("ends quietly when the server ends it, or when nobody listens any more", async () => {
    const { server, next } = await open();
    server.watches.end();
    expect(await next()).toBeNull();
    const other = await open();
    other.stop.abort();
    expect(await other.next()).toBeNull();
  });

  it("asks for bookmarks and gives them", async () => {
    const { server, next } = await open();
    putPods(server, 1);
    server.watches.bookmark();
    expect(await next()).toMatchObject({ type: "ADDED" });
    expect(await next()).toEqual({ type: "BOOKMARK", resourceVersion: "2" });
  });

  it("from a version that is forgotten is refused by 410", async () => {
    const { server, kube } = await open();
    server.compact();
    const signal = new AbortController().signal;
    const events = kube.watch(resources.pod, { resourceVersion: "1", signal });
    await expect(collect(events)).rejects.toThrow(
      expect.objectContaining({ status: 410 }),
    );
  });

  it.each([
    [
      "breaks in the middle of an event",
      (server: FakeApiServer) => server.watches.reset(),
    ],
    [
      "is ended by an overloaded server",
      (server: FakeApiServer) => server.watches.fail(500, "InternalError"),
    ],
  ])("that %s is to be tried again", async (_, act) => {
    const { server, next } = await open();
    act(server);
    await expect(next()).rejects.toThrow(TransientError);
  });

  it("that says nothing for long is broken", async () => {
    const { server, next } = await open({ watchSilenceMs: 50 });
    server.watches.silence();
    await expect(next()).rejects.toThrow(TransientError);
  });
});

describe("a log", () => {
  it("comes line by line as it is written, to its end", async () => {
    const { server, kube } = await openKube({ limits: { timeoutMs: 50 } });
    putPods(server, 1);
    server.logs.append(testNamespace, "pod-0", "one\ntwo\nth");
    const log = kube.readLog({ name: "pod-0" }, { follow: true });
    const lines = log[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe("one");
    expect((await lines.next()).value).toBe("two");
    server.logs.append(testNamespace, "pod-0", "ree\n");
    expect((await lines.next()).value).toBe("three");
    server.logs.end(testNamespace, "pod-0");
    expect(await lines.next()).toMatchObject({ done: true });
  });

  it("is asked for as wanted", async () => {
    const { server, kube } = await openKube();
    putPods(server, 1);
    server.logs.append(testNamespace, "pod-0", "one\ntwo\nthree\n");
    const options = { tailLines: 2, container: "main", timestamps: true };
    const lines = await collect(kube.readLog({ name: "pod-0" }, options));
    expect(lines).toEqual(["two", "three"]);
    expect(server.requests[0]?.query).toEqual({
      tailLines: "2",
      container: "main",
      timestamps: "true",
    });
  });

  it("of a pod that is not there is refused", async () => {
    const { kube } = await openKube();
    const lines = collect(kube.readLog({ name: "none" }, {}));
    await expect(lines).rejects.toThrow(
      expect.objectContaining({ status: 404 }),
    );
  });
});

describe("an apply", () => {
  it("sends the object as it is, under the manager's name, and takes over fields", async () => {
    const { server, kube } = await openKube();
    const object = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "one", namespace: testNamespace },
      spec: { newerThanUs: { a: [1] } },
    };
    await kube.apply(resources.job, object, { fieldManager: "hueline" });
    expect(server.requests[0]).toMatchObject({
      verb: "apply",
      query: { fieldManager: "hueline", force: "true" },
      body: object,
    });
  });

  it("to the status changes only that", async () => {
    const { server, kube } = await openKube();
    const run = {
      apiVersion: "hueline.dev/v1alpha1",
      kind: "Run",
      metadata: { name: "one" },
    };
    await kube.create(resources.run, { ...run, spec: { a: 1 } });
    const said = { ...run, spec: { a: 2 }, status: { phase: "Running" } };
    await kube.apply(resources.run, said, {
      fieldManager: "hueline",
      subresource: "status",
    });
    expect(server.get(resources.run, "one")).toMatchObject({
      metadata: { generation: 1 },
      spec: { a: 1 },
      status: { phase: "Running" },
    });
  });
});
