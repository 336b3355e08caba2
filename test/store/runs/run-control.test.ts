import { expect, test } from "vitest";
import { layout } from "../../../src/store/layout.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import {
  readControl,
  requestCancel,
  requestRetry,
  updateControl,
} from "../../../src/store/runs/run-control.ts";

test("nobody has asked anything of a new run", async () => {
  expect(await readControl(createMemoryStore(), "a")).toEqual({
    cancel: false,
    retriedAtMs: {},
  });
});

test("a cancel stands until a retry takes it back", async () => {
  const store = createMemoryStore();
  await requestCancel(store, "a");
  expect((await readControl(store, "a")).cancel).toBe(true);
  await requestRetry(store, { run: "a", task: "*", atMs: 5 });
  expect(await readControl(store, "a")).toEqual({
    cancel: false,
    retriedAtMs: { "*": 5 },
  });
});

test("requests of many people at once are all there", async () => {
  const store = createMemoryStore();
  const tasks = Array.from({ length: 20 }, (_, i) => `t${i}`);
  await Promise.all(
    tasks.map((task, i) => requestRetry(store, { run: "a", task, atMs: i })),
  );
  const wanted = Object.fromEntries(tasks.map((task, i) => [task, i]));
  expect((await readControl(store, "a")).retriedAtMs).toEqual(wanted);
});

test("a retry that was asked for earlier does not replace a later one", async () => {
  const store = createMemoryStore();
  await requestRetry(store, { run: "a", task: "t", atMs: 9 });
  await requestRetry(store, { run: "a", task: "t", atMs: 4 });
  expect((await readControl(store, "a")).retriedAtMs).toEqual({ t: 9 });
});

test("a control record that cannot be read is an error, for a cancel must not be overlooked", async () => {
  const store = createMemoryStore();
  await store.swap(layout.runControl("a"), Buffer.from("{}"), null);
  await expect(readControl(store, "a")).rejects.toMatchObject({
    code: "run.corrupt",
  });
  await expect(updateControl(store, "a", (c) => c)).rejects.toMatchObject({
    code: "run.corrupt",
  });
});
