import { expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { readPodLog } from "../../../src/cli/logs/pod-log.ts";
import { resources } from "../../../src/kube/kube.ts";
import {
  testNamespace,
  type FakeApiServer,
} from "../../support/fake-api-server.ts";
import { openKube } from "../../support/kube.ts";
import { waitFor } from "../../support/wait-for.ts";

const name = { namespace: testNamespace, name: "train-0" };
const clock = {
  ...systemClock,
  sleep: (ms: number, signal?: AbortSignal) =>
    systemClock.sleep(Math.min(ms, 2), signal),
};

function putPod(server: FakeApiServer, state: object): void {
  server.put(resources.pod, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: name,
    status: {
      phase: "Running",
      containerStatuses: [{ name: "worker", state }],
    },
  });
}

const terminated = { terminated: { exitCode: 0 } };

/** `seconds` may have a fraction of nine digits. */
function say(
  server: FakeApiServer,
  ...lines: readonly (readonly [string, string])[]
): void {
  const text = lines.map(
    ([seconds, line]) => `2026-01-01T00:00:${seconds}Z ${line}\n`,
  );
  server.logs.append(testNamespace, name.name, text.join(""));
}

async function openLog() {
  const { server, kube } = await openKube();
  putPod(server, { running: {} });
  const shown: string[] = [];
  const stop = new AbortController();
  const { signal } = stop;
  const read = async (follows: boolean): Promise<void> => {
    for await (const line of readPodLog(kube, name, { follows, clock, signal }))
      shown.push(line);
  };
  return { server, shown, stop, read };
}

test("what there is is given without its times", async () => {
  const { server, shown, read } = await openLog();
  say(server, ["01.000000001", "one"], ["02", ""], ["03.5", "  three"]);
  await read(false);
  expect(shown).toEqual(["one", "", "  three"]);
  expect(server.requests.at(-1)?.query).toMatchObject({
    container: "worker",
    timestamps: "true",
  });
});

test("over connections that break, each line is given once, also where many share a time", async () => {
  const { server, shown, read } = await openLog();
  const reading = read(true);
  say(server, ["01.1", "a"], ["01.100000000", "b"]);
  await waitFor("two lines", () => shown.length === 2 || null);
  server.logs.reset();
  say(server, ["01.1", "c"]);
  await waitFor("the third", () => shown.length === 3 || null);
  server.logs.reset();
  say(server, ["01.1", "c"], ["02", "d"]);
  await waitFor("the fifth", () => shown.length === 5 || null);
  putPod(server, terminated);
  server.logs.end(testNamespace, name.name);
  await reading;
  expect(shown).toEqual(["a", "b", "c", "c", "d"]);
  const logs = server.requests.filter(({ verb }) => verb === "log");
  expect(logs.at(-1)?.query["sinceTime"]).toBe("2026-01-01T00:00:02.000Z");
});

test("what a worker says between the end of a connection and its own is read", async () => {
  const { server, shown, read } = await openLog();
  const reading = read(true);
  say(server, ["01", "a"]);
  await waitFor("a line", () => shown.length === 1 || null);
  putPod(server, terminated);
  server.logs.reset();
  say(server, ["02", "last words"]);
  server.logs.end(testNamespace, name.name);
  await reading;
  expect(shown).toEqual(["a", "last words"]);
});

test("a container that has not started is waited for; a pod that goes is the end", async () => {
  const { server, shown, read } = await openLog();
  server.faults.add({
    verb: "log",
    times: 2,
    fault: {
      kind: "refuse",
      status: 400,
      reason: "BadRequest",
      message:
        'container "worker" in pod is waiting to start: ContainerCreating',
    },
  });
  const reading = read(true);
  say(server, ["01", "a"]);
  await waitFor("a line", () => shown.length === 1 || null);
  server.remove(resources.pod, name.name);
  server.logs.reset();
  await reading;
  expect(shown).toEqual(["a"]);
});

test("who stops listening gets no error", async () => {
  const { server, shown, stop, read } = await openLog();
  const reading = read(true);
  say(server, ["01", "a"]);
  await waitFor("a line", () => shown.length === 1 || null);
  stop.abort();
  await reading;
  expect(shown).toEqual(["a"]);
});
