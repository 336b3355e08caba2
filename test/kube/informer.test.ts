import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import type { Clock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import type { Logger } from "../../src/base/log.ts";
import { openInformer } from "../../src/kube/informer.ts";
import type { InformerOptions } from "../../src/kube/informer.ts";
import type { Informer } from "../../src/kube/informer-port.ts";
import { resources } from "../../src/kube/kube.ts";
import type { KubeObject } from "../../src/kube/kube.ts";
import { testNamespace } from "../support/fake-api-server.ts";
import type { FakeApiServer } from "../support/fake-api-server.ts";
import { openKube } from "../support/kube.ts";
import { waitFor } from "../support/wait-for.ts";

/** Delays are short, but the re-list does not come. */
const hastyClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) =>
    systemClock.sleep(ms >= 600_000 ? ms : Math.min(ms, 2), signal),
};

type Test = {
  readonly server: FakeApiServer;
  readonly informer: Informer<KubeObject>;
  /** Names that listeners heard, in order. */
  readonly heard: string[];
};

async function open(
  more: Partial<InformerOptions<KubeObject>> = {},
  limits = {},
): Promise<Test> {
  const { server, kube } = await openKube({ limits });
  putPod(server, "first");
  const informer = openInformer({
    kube,
    resource: resources.pod,
    clock: hastyClock,
    random: () => 0.5,
    log: silentLogger,
    ...more,
  });
  const heard: string[] = [];
  informer.onChange(({ metadata }) => heard.push(metadata.name));
  onTestFinished(() => informer.close());
  await informer.synced;
  await untilWatched(server);
  return { server, informer, heard };
}

function putPod(
  server: FakeApiServer,
  name: string,
  run = "none",
  more: object = {},
): void {
  server.put(resources.pod, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: testNamespace, labels: { run } },
    ...more,
  });
}
const untilWatched = (server: FakeApiServer) =>
  waitFor("a watch", () => (server.watches.open > 0 ? true : null));
const untilKnown = ({ informer }: Test, name: string) =>
  waitFor(`pod ${name}`, () => informer.get(testNamespace, name));
const untilGone = ({ informer }: Test, name: string) =>
  waitFor(`the end of pod ${name}`, () =>
    informer.get(testNamespace, name) === null ? true : null,
  );
const countOf = (server: FakeApiServer, verb: string) =>
  server.requests.filter((request) => request.verb === verb).length;

describe("an informer", () => {
  it("knows what was there, hears what comes, changes and goes, and finds it by index", async () => {
    const test = await open({
      indexBy: ({ metadata }) => metadata.labels?.["run"] ?? null,
    });
    const { server, informer, heard } = test;
    expect(informer.list()).toHaveLength(1);
    putPod(server, "second", "x");
    await untilKnown(test, "second");
    putPod(server, "second", "y");
    await waitFor("the change", () =>
      informer.byIndex("y").length === 1 ? true : null,
    );
    expect(informer.byIndex("x")).toEqual([]);
    server.remove(resources.pod, "second");
    await untilGone(test, "second");
    expect(heard).toEqual(["first", "second", "second", "second"]);
  });

  it.each([
    {
      name: "an ordinary end",
      act: ({ watches }: FakeApiServer) => watches.end(),
      lists: 1,
    },
    {
      name: "a broken connection",
      act: ({ watches }: FakeApiServer) => watches.reset(),
      lists: 1,
    },
    {
      name: "429",
      act: ({ watches }: FakeApiServer) => watches.fail(429, "TooManyRequests"),
      lists: 1,
    },
    {
      name: "500",
      act: ({ watches }: FakeApiServer) => watches.fail(500, "InternalError"),
      lists: 1,
    },
    {
      name: "410",
      act: ({ watches }: FakeApiServer) => watches.fail(410, "Expired"),
      lists: 2,
    },
  ])(
    "misses nothing that happens after $name, and lists only if it must",
    async ({ act, lists }) => {
      const test = await open();
      const { server } = test;
      putPod(server, "second");
      await untilKnown(test, "second");
      act(server);
      server.remove(resources.pod, "first");
      putPod(server, "third");
      await untilKnown(test, "third");
      await untilGone(test, "first");
      await untilKnown(test, "second");
      expect(countOf(server, "list")).toBe(lists);
    },
  );

  it("lists again when the server has forgotten its version meanwhile", async () => {
    const test = await open();
    const { server } = test;
    await server.stop();
    server.remove(resources.pod, "first");
    putPod(server, "second");
    server.compact();
    await server.restart();
    await untilKnown(test, "second");
    await untilGone(test, "first");
    expect(countOf(server, "list")).toBe(2);
  });

  it("goes on from a bookmark, so that a quiet kind is not listed again", async () => {
    const test = await open();
    const { server } = test;
    server.put(resources.job, {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "other", namespace: testNamespace },
    });
    server.watches.bookmark();
    server.watches.end();
    await waitFor("the next watch", () =>
      countOf(server, "watch") > 1 ? true : null,
    );
    const last = server.requests.findLast(({ verb }) => verb === "watch");
    expect(last?.query["resourceVersion"]).toBe("3");
  });

  it("takes a connection that says nothing for broken", async () => {
    const test = await open({}, { watchSilenceMs: 50 });
    const { server } = test;
    server.watches.silence();
    putPod(server, "second");
    await untilKnown(test, "second");
  });

  it("hears each change once, in repeated and in mixed up events", async () => {
    const test = await open();
    const { server, heard } = test;
    server.watches.duplicateNext();
    putPod(server, "second");
    await untilKnown(test, "second");
    server.watches.reorderNext();
    putPod(server, "third", "old");
    putPod(server, "third", "new");
    await untilKnown(test, "third");
    server.watches.reorderNext();
    putPod(server, "second", "late");
    server.remove(resources.pod, "second");
    putPod(server, "last");
    await untilKnown(test, "last");
    expect(heard).toEqual(["first", "second", "third", "second", "last"]);
    const third = test.informer.get(testNamespace, "third");
    expect(third?.metadata.labels).toEqual({ run: "new" });
  });

  it("takes a new object of the same name for another one", async () => {
    const test = await open();
    const { server, informer } = test;
    const before = informer.get(testNamespace, "first")?.metadata.uid;
    await server.stop();
    server.remove(resources.pod, "first");
    putPod(server, "first");
    await server.restart();
    await waitFor("the other object", () => {
      const now = informer.get(testNamespace, "first")?.metadata.uid;
      return now !== undefined && now !== before ? true : null;
    });
  });

  it("mends by a list what no event has told", async () => {
    const relistMs = 1_000_000;
    let isDue: (() => void) | null = null;
    const clock: Clock = {
      ...hastyClock,
      async sleep(ms, signal) {
        if (ms !== relistMs) return hastyClock.sleep(ms, signal);
        await new Promise<void>((resolve) => {
          isDue = resolve;
          signal?.addEventListener("abort", () => resolve());
        });
      },
    };
    const test = await open({ clock, relistMs });
    const { server } = test;
    server.watches.silence();
    putPod(server, "second");
    (isDue as (() => void) | null)?.();
    await untilKnown(test, "second");
    expect(countOf(server, "list")).toBe(2);
  });

  it("keeps trying while it is refused, says so once, and goes on when it may", async () => {
    const said: string[] = [];
    const log: Logger = {
      ...silentLogger,
      warn: ({ error }) => said.push(String(error)),
      child: () => log,
    };
    let isAllowed = false;
    const { server, kube } = await openKube({
      forbid: () => (isAllowed ? null : "pods is forbidden"),
    });
    putPod(server, "first");
    const informer = openInformer({
      kube,
      resource: resources.pod,
      clock: hastyClock,
      random: () => 0.5,
      log,
    });
    onTestFinished(() => informer.close());
    await waitFor("some tries", () =>
      server.requests.length > 3 ? true : null,
    );
    isAllowed = true;
    await informer.synced;
    expect(informer.list()).toHaveLength(1);
    expect(said).toEqual(["pods is forbidden"]);
  });

  it("goes on when a listener fails, and tells the others", async () => {
    const test = await open();
    test.informer.onChange(() => {
      throw new Error("a listener's bug");
    });
    const others: string[] = [];
    test.informer.onChange(({ metadata }) => others.push(metadata.name));
    putPod(test.server, "second");
    putPod(test.server, "third");
    await untilKnown(test, "third");
    expect(others).toEqual(["second", "third"]);
  });

  it("keeps of objects what is asked for", async () => {
    const spec = { nodeName: "n", containers: [{ name: "worker" }] };
    const test = await open({ specFields: (field) => field === "nodeName" });
    putPod(test.server, "told", "none", { spec });
    const told = await untilKnown(test, "told");
    expect(told).toMatchObject({ kind: "Pod", spec: { nodeName: "n" } });
    expect(told).not.toHaveProperty("spec.containers");
  });

  it("knows how long the server has said nothing, whatever wall clocks do", async () => {
    let monotonicMs = 0;
    const clock: Clock = {
      ...hastyClock,
      monotonicMs: () => monotonicMs,
      now: () => Math.random() * 1e15,
    };
    const test = await open({ clock });
    await waitFor("the opening of the watch", () =>
      test.informer.silentMs() === 0 ? true : null,
    );
    monotonicMs += 40_000;
    expect(test.informer.silentMs()).toBe(40_000);
    test.server.watches.bookmark();
    await waitFor("the bookmark", () =>
      test.informer.silentMs() === 0 ? true : null,
    );
  });

  it("ends its connection when it is closed, also before it knew anything", async () => {
    const test = await open();
    await test.informer.close();
    await waitFor("the end of the watch", () =>
      test.server.watches.open === 0 ? true : null,
    );
    const { server, kube } = await openKube();
    await server.stop();
    const other = openInformer({
      kube,
      resource: resources.pod,
      clock: hastyClock,
      random: () => 0.5,
      log: silentLogger,
    });
    await other.close();
    await other.synced;
  });
});
