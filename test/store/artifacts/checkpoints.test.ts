import { describe, expect, test } from "vitest";
import { TransientError, UserError } from "../../../src/base/errors.ts";
import { silentLogger } from "../../../src/base/log.ts";
import type { LogFields } from "../../../src/base/log.ts";
import {
  createCheckpointStore,
  removeCheckpoints,
} from "../../../src/store/artifacts/checkpoints.ts";
import type { Checkpoint } from "../../../src/store/artifacts/checkpoints.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import type { Store } from "../../../src/store/store.ts";
import { createFaultyStore } from "../../support/faulty-store.ts";

const key = "c".repeat(64);

function checkpointAt(step: number): Checkpoint {
  const bytes = new Uint8Array(Float32Array.of(step, step / 2).buffer);
  return {
    step,
    model: new Map([["conv1/weight", { dtype: "F32", shape: [2], bytes }]]),
    optimizer: new Map([
      ["conv1/weight/velocity", { dtype: "F32", shape: [2, 1], bytes }],
    ]),
    state: { step, best: null, rows: [1, 2] },
  };
}

function open(store: Store, epoch = 1) {
  const skipped: LogFields[] = [];
  const log = {
    ...silentLogger,
    warn: (fields: LogFields) => void skipped.push(fields),
  };
  const checkpoints = createCheckpointStore({ store, key, epoch, log });
  return { ...checkpoints, skipped };
}

async function pathsOf(store: Store): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of store.list("")) paths.push(path);
  return paths;
}

describe("the newest checkpoint", () => {
  test("is null when there is none, and else what was saved last", async () => {
    const checkpoints = open(createMemoryStore());
    expect(await checkpoints.newest()).toBeNull();
    await checkpoints.save(checkpointAt(100));
    await checkpoints.save(checkpointAt(200));
    expect(await checkpoints.newest()).toEqual(checkpointAt(200));
  });

  test("is found by the attempt that comes after, by its step and then its epoch", async () => {
    const store = createMemoryStore();
    await open(store, 9).save(checkpointAt(900));
    await open(store, 10).save(checkpointAt(1000));
    await open(store, 11).save({ ...checkpointAt(1000), state: "of 11" });
    expect(await open(store, 12).newest()).toEqual({
      ...checkpointAt(1000),
      state: "of 11",
    });
  });

  test("is the one with the highest step, also when an earlier attempt left it", async () => {
    const store = createMemoryStore();
    await open(store, 1).save(checkpointAt(500));
    await open(store, 2).save(checkpointAt(400));
    expect(await open(store, 3).newest()).toEqual(checkpointAt(500));
  });

  const place = `ckpt/${key}/1-000000200/`;
  test.each<[string, (store: Store) => Promise<void>]>([
    [
      "whose model has one bit changed",
      async (store) => {
        const bytes = await store.read(`${place}model.safetensors`);
        bytes?.set([1], bytes.byteLength - 1);
        await store.put(`${place}model.safetensors`, bytes ?? new Uint8Array());
      },
    ],
    [
      "whose optimizer state was cut off",
      async (store) => {
        const bytes = await store.read(`${place}optimizer.safetensors`);
        await store.put(
          `${place}optimizer.safetensors`,
          bytes?.subarray(0, 20) ?? new Uint8Array(),
        );
      },
    ],
    ["whose state is missing", (store) => store.remove(`${place}state.json`)],
    [
      "whose manifest was cut off",
      (store) => store.put(`${place}manifest.json`, Buffer.from('{"versi')),
    ],
    [
      "whose manifest names no files",
      async (store) => {
        const manifest = { version: 1, key, epoch: 1, step: 200, files: [] };
        const bytes = Buffer.from(JSON.stringify(manifest));
        await store.put(`${place}manifest.json`, bytes);
      },
    ],
    [
      "whose manifest is of another step",
      async (store) => {
        const other = `ckpt/${key}/1-000000100/manifest.json`;
        const bytes = await store.read(other);
        await store.put(`${place}manifest.json`, bytes ?? new Uint8Array());
      },
    ],
  ])(
    "%s is skipped, said, and the one before is taken",
    async (_why, damage) => {
      const store = createMemoryStore();
      await open(store).save(checkpointAt(100));
      await open(store).save(checkpointAt(200));
      await damage(store);
      const next = open(store, 2);
      expect(await next.newest()).toEqual(checkpointAt(100));
      expect(next.skipped).toMatchObject([
        { checkpoint: place, reason: expect.stringMatching(/./) },
      ]);
    },
  );

  test("is null when all are damaged, and that is said after each of them", async () => {
    const store = createMemoryStore();
    await open(store).save(checkpointAt(100));
    await open(store).save(checkpointAt(200));
    await store.remove(`ckpt/${key}/1-000000100/state.json`);
    await store.remove(`${place}state.json`);
    const next = open(store, 2);
    expect(await next.newest()).toBeNull();
    expect(next.skipped).toHaveLength(3);
    expect(next.skipped.at(-1)).toEqual({ damaged: 2 });
  });

  test("that was found damaged does not push out the sound ones that come after", async () => {
    const store = createMemoryStore();
    await open(store).save(checkpointAt(100));
    await open(store).save(checkpointAt(300));
    await store.remove(`ckpt/${key}/1-000000300/model.safetensors`);
    const next = open(store, 2);
    await next.newest();
    await next.save(checkpointAt(200));
    expect(await store.listFolders(`ckpt/${key}/`)).toEqual([
      "1-000000100",
      "2-000000200",
    ]);
  });

  test("is not silently skipped when the store fails: that is an error", async () => {
    const failure = new TransientError({ code: "net", message: "down" });
    const sound = createMemoryStore();
    await open(sound).save(checkpointAt(100));
    const store = createFaultyStore(sound, ({ method }) =>
      method === "read" ? { when: "before", error: failure } : null,
    );
    await expect(open(store).newest()).rejects.toBe(failure);
  });
});

describe("saving", () => {
  test("keeps the last two, of all attempts together", async () => {
    const store = createMemoryStore();
    const first = open(store, 1);
    for (const step of [100, 200, 300]) await first.save(checkpointAt(step));
    await open(store, 2).save(checkpointAt(400));
    expect(await store.listFolders(`ckpt/${key}/`)).toEqual([
      "1-000000300",
      "2-000000400",
    ]);
  });

  test("the same step again changes nothing", async () => {
    const store = createMemoryStore();
    const checkpoints = open(store);
    await checkpoints.save(checkpointAt(100));
    await checkpoints.save({ ...checkpointAt(100), state: "other" });
    expect(await checkpoints.newest()).toEqual(checkpointAt(100));
  });

  test("writes the manifest after the files and, when it removes, removes it before them", async () => {
    const store = createFaultyStore(createMemoryStore(), () => null);
    const checkpoints = createCheckpointStore({
      store,
      key,
      epoch: 1,
      keep: 1,
    });
    await checkpoints.save(checkpointAt(100));
    await checkpoints.save(checkpointAt(200));
    const steps = store.operations
      .filter(({ method }) => /^(put|remove)/.test(method))
      .map(({ method, path }) => `${method} ${path.split("/").at(-1)}`);
    const save = [
      "putStream model.safetensors",
      "putStream optimizer.safetensors",
      "putStream state.json",
      "putIfAbsent manifest.json",
    ];
    expect(steps).toEqual([
      ...save,
      ...save,
      "remove manifest.json",
      "remove model.safetensors",
      "remove optimizer.safetensors",
      "remove state.json",
    ]);
  });

  test("that breaks off at any operation leaves a checkpoint to continue from, never older than the last save", async () => {
    for (let failing = 1, isOver = false; !isOver; failing++) {
      const sound = createMemoryStore();
      await open(sound).save(checkpointAt(100));
      await open(sound).save(checkpointAt(200));
      const error = new TransientError({ code: "net", message: "down" });
      const store = createFaultyStore(sound, ({ number }) =>
        number === failing ? { when: "before", error } : null,
      );
      const outcome = await open(store, 2)
        .save(checkpointAt(300))
        .catch((thrown: unknown) => thrown);
      isOver = outcome === undefined;
      if (!isOver) expect(outcome).toBe(error);
      const next = open(sound, 3);
      expect((await next.newest())?.step).toBeGreaterThanOrEqual(200);
      expect(next.skipped).toEqual([]);
    }
  });
});

test("one that the store itself finds damaged is skipped and reported, and nothing else that it says is", async () => {
  const sound = createMemoryStore();
  for (const step of [100, 200]) await open(sound, 1).save(checkpointAt(step));
  const failing = (code: string): Store =>
    createFaultyStore(sound, ({ method, path }) =>
      method === "read" && path.endsWith("000200/model.safetensors")
        ? { when: "before", error: new UserError({ code, message: code }) }
        : null,
    );
  const damaged = open(failing("store.damaged"), 2);
  expect((await damaged.newest())?.step).toBe(100);
  expect(damaged.skipped).toHaveLength(1);
  await expect(open(failing("store.denied"), 2).newest()).rejects.toThrow(
    "store.denied",
  );
});

test("after the commit nothing of any attempt stays, not even what was cut off", async () => {
  const store = createMemoryStore();
  await open(store, 1).save(checkpointAt(100));
  await store.put(
    `ckpt/${key}/1-000000200/model.safetensors`,
    Buffer.from("x"),
  );
  await store.put("ckpt/other/1-000000100/manifest.json", Buffer.from("{}"));
  await removeCheckpoints(store, key);
  expect(await pathsOf(store)).toEqual([
    "ckpt/other/1-000000100/manifest.json",
  ]);
});
