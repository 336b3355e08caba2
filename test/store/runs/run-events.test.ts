import { expect, test } from "vitest";
import { TransientError } from "../../../src/base/errors.ts";
import { layout } from "../../../src/store/layout.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import {
  openRunEvents,
  readRunEvents,
} from "../../../src/store/runs/run-events.ts";
import type { RunEvent } from "../../../src/store/runs/run-events.ts";
import { createFaultyStore } from "../../support/faulty-store.ts";

function event(atMs: number): RunEvent {
  return { atMs, task: "t", phase: "Running", attempt: 1, reason: "äöü" };
}
const events = (from: number, to: number): RunEvent[] =>
  Array.from({ length: to - from }, (_, i) => event(from + i));

test("events are read in the order they were appended, also by a later driver's reader", async () => {
  const store = createMemoryStore();
  expect(await readRunEvents(store, "a")).toEqual({
    events: [],
    unreadable: 0,
  });
  const first = openRunEvents(store, "a");
  for (const each of events(0, 3)) first.append(each);
  await first.flush();
  const second = openRunEvents(store, "a");
  for (const each of events(3, 5)) second.append(each);
  await second.flush();
  expect((await readRunEvents(store, "a")).events).toEqual(events(0, 5));
  const bytes = await store.read(layout.runEvents("a"));
  expect(
    Buffer.from(bytes ?? [])
      .toString()
      .split("\n"),
  ).toHaveLength(6);
});

test("a thousand events cost a few writes, not a thousand", async () => {
  const store = createFaultyStore(createMemoryStore(), () => null);
  const log = openRunEvents(store, "a");
  for (const each of events(0, 1000)) log.append(each);
  await log.flush();
  expect((await readRunEvents(store, "a")).events).toEqual(events(0, 1000));
  const appends = store.operations.filter(({ method }) => method === "append");
  expect(appends.length).toBeLessThanOrEqual(2);
});

test("half a line of a killed driver is counted, and the next driver's first event is not glued to it", async () => {
  const store = createMemoryStore();
  await store.append(layout.runEvents("a"), Buffer.from('{"atMs":1,"ta'));
  const log = openRunEvents(store, "a");
  log.append(event(2));
  await log.flush();
  expect(await readRunEvents(store, "a")).toEqual({
    events: [event(2)],
    unreadable: 1,
  });
});

test("a write that failed shows in flush, and its events are written by the next", async () => {
  const failure = new TransientError({ code: "net", message: "down" });
  let isDown = true;
  const store = createFaultyStore(createMemoryStore(), ({ method }) =>
    isDown && method === "append" ? { when: "before", error: failure } : null,
  );
  const log = openRunEvents(store, "a");
  log.append(event(0));
  await expect(log.flush()).rejects.toBe(failure);
  log.append(event(1));
  await expect(log.flush()).rejects.toBe(failure);
  isDown = false;
  log.append(event(2));
  await log.flush();
  await log.flush();
  expect((await readRunEvents(store, "a")).events).toEqual(events(0, 3));
});
