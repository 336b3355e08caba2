import { describe, expect, onTestFinished, test } from "vitest";
import { TransientError, UserError } from "../../../src/base/errors.ts";
import { silentLogger } from "../../../src/base/log.ts";
import type { LogFields } from "../../../src/base/log.ts";
import type { KeepSpec } from "../../../src/plan/plan.ts";
import { defaultCheckpoint } from "../../../src/spec/defaults.ts";
import { createCheckpointStore } from "../../../src/store/checkpoints/checkpoints.ts";
import { removeCheckpoints } from "../../../src/store/checkpoints/retention.ts";
import { takeClaim } from "../../../src/store/claims/claims.ts";
import { createFileStore } from "../../../src/store/fs.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import type { Store } from "../../../src/store/store.ts";
import {
  checkpointAt,
  readAt,
  save,
  smallShapes,
} from "../../support/checkpoints.ts";
import { createFaultyStore } from "../../support/faulty-store.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { waitFor } from "../../support/wait-for.ts";

const key = "c".repeat(64);

function open(store: Store, epoch = 1, keep: Partial<KeepSpec> = {}) {
  const skipped: LogFields[] = [];
  const log = {
    ...silentLogger,
    warn: (fields: LogFields) => void skipped.push(fields),
  };
  const checkpoints = createCheckpointStore({
    store,
    key,
    epoch,
    log,
    keep: { ...defaultCheckpoint.keep, ...keep },
    // No patience: what fails is told at once.
    outageMs: 0,
  });
  onTestFinished(() => checkpoints.close());
  const saveAt = (step: number, change = {}) =>
    save(checkpoints, checkpointAt(step, change));
  return { ...checkpoints, saveAt, skipped };
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
    await checkpoints.saveAt(100);
    await checkpoints.saveAt(200);
    expect(await checkpoints.newest()).toEqual(readAt(200, 1));
  });

  test("is found by the attempt that comes after, by its epoch and then its step", async () => {
    const store = createMemoryStore();
    await open(store, 9).saveAt(900);
    await open(store, 10).saveAt(1000);
    await open(store, 11).saveAt(1000, { state: "of 11" });
    expect(await open(store, 12).newest()).toEqual({
      ...readAt(1000, 11),
      state: "of 11",
    });
  });

  test("is the last one of the newest attempt, also when one that was overtaken got further", async () => {
    const store = createMemoryStore();
    await open(store, 1).saveAt(500);
    await open(store, 2).saveAt(400);
    expect(await open(store, 3).newest()).toEqual(readAt(400, 2));
  });

  test("is asked for in vain by an attempt that was overtaken", async () => {
    const store = createMemoryStore();
    await open(store, 2).saveAt(100);
    await expect(open(store, 1).newest()).rejects.toThrow(
      /took over the claim .*epoch 2; we held 1/,
    );
  });

  test("that an attempt which was overtaken removes while it is read is not taken for damaged", async () => {
    const sound = createMemoryStore();
    await open(sound).saveAt(100);
    await open(sound).saveAt(200);
    let isRemoved = false;
    const store: Store = {
      ...sound,
      async read(path, range) {
        if (path.endsWith("200/optimizer.safetensors") && !isRemoved) {
          isRemoved = true;
          for (const name of ["manifest.json", "optimizer.safetensors"])
            await sound.remove(`ckpt/${key}/1-000000200/${name}`);
        }
        return sound.read(path, range);
      },
    };
    const next = open(store, 2);
    expect(await next.newest()).toEqual(readAt(100, 1));
    expect(next.skipped).toEqual([]);
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
      await open(store).saveAt(100);
      await open(store).saveAt(200);
      await damage(store);
      const next = open(store, 2);
      expect(await next.newest()).toEqual(readAt(100, 1));
      expect(next.skipped).toMatchObject([
        { checkpoint: place, reason: expect.stringMatching(/./) },
      ]);
    },
  );

  test("is null when all are damaged, and that is said after each of them", async () => {
    const store = createMemoryStore();
    await open(store).saveAt(100);
    await open(store).saveAt(200);
    await store.remove(`ckpt/${key}/1-000000100/state.json`);
    await store.remove(`${place}state.json`);
    const next = open(store, 2);
    expect(await next.newest()).toBeNull();
    expect(next.skipped).toHaveLength(3);
    expect(next.skipped.at(-1)).toEqual({ damaged: 2 });
  });

  test("that was found damaged does not push out the sound ones that come after", async () => {
    const store = createMemoryStore();
    await open(store).saveAt(100);
    await open(store).saveAt(300);
    await store.remove(`ckpt/${key}/1-000000300/model.safetensors`);
    const next = open(store, 2);
    await next.newest();
    await next.saveAt(200);
    expect(await store.listFolders(`ckpt/${key}/`)).toEqual([
      "1-000000100",
      "2-000000200",
    ]);
  });

  test("is not silently skipped when the store fails: that is an error", async () => {
    const failure = new TransientError({ code: "net", message: "down" });
    const sound = createMemoryStore();
    await open(sound).saveAt(100);
    const store = createFaultyStore(sound, ({ method }) =>
      method === "read" ? { when: "before", error: failure } : null,
    );
    await expect(open(store).newest()).rejects.toBe(failure);
  });
});

const down = new TransientError({ code: "net", message: "down" });

describe("saving", () => {
  test("keeps the last two, of all attempts together", async () => {
    const store = createMemoryStore();
    const first = open(store, 1);
    for (const step of [100, 200, 300]) await first.saveAt(step);
    await open(store, 2).saveAt(400);
    expect(await store.listFolders(`ckpt/${key}/`)).toEqual([
      "1-000000300",
      "2-000000400",
    ]);
  });

  test("a step that is there already, with other contents, is refused: nobody else writes under our epoch", async () => {
    const checkpoints = open(createMemoryStore());
    await checkpoints.saveAt(100);
    await expect(
      checkpoints.saveAt(100, { state: "other", metrics: { loss: 1 } }),
    ).rejects.toThrow(/by somebody else under our epoch/);
  });

  test("is done once, if its first try was done and the answer lost", async () => {
    const sound = createMemoryStore();
    const clock = createManualClock();
    let failures = 0;
    const store = createFaultyStore(sound, ({ method }) =>
      method === "putIfAbsent" && failures++ === 0
        ? { when: "after", error: down }
        : null,
    );
    const waits: string[] = [];
    const checkpoints = createCheckpointStore({
      store,
      key,
      epoch: 1,
      keep: defaultCheckpoint.keep,
      outageMs: 60_000,
      clock,
      onWaiting: (reason) => waits.push(reason),
    });
    const saved = save(checkpoints, checkpointAt(100));
    await waitFor("the save to wait", () => clock.sleeps()[0] ?? null);
    expect(checkpoints.activity()).toBe("waiting");
    clock.advance(1000);
    expect(await saved).toEqual({ kind: "written", sizeBytes: 248 });
    expect(checkpoints.activity()).toBe("idle");
    expect(waits).toEqual(["down"]);
    expect(await open(sound, 2).newest()).toEqual(readAt(100, 1));
  });

  test("writes the manifest after the files and, when it removes, removes it before them", async () => {
    const store = createFaultyStore(createMemoryStore(), () => null);
    const checkpoints = open(store, 1, { last: 1 });
    await checkpoints.saveAt(100);
    await checkpoints.saveAt(200);
    const steps = store.operations
      .filter(({ method }) => /^(put|remove)/.test(method))
      .map(({ method, path }) => `${method} ${path.split("/").at(-1)}`);
    const save = [
      "put model.safetensors",
      "put optimizer.safetensors",
      "put state.json",
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
      await open(sound).saveAt(100);
      await open(sound).saveAt(200);
      const error = new TransientError({ code: "net", message: "down" });
      const store = createFaultyStore(sound, ({ number }) =>
        number === failing ? { when: "before", error } : null,
      );
      const outcome = await open(store, 2)
        .saveAt(300)
        .catch((thrown: unknown) => thrown);
      isOver = !(outcome instanceof Error);
      if (!isOver) expect(outcome).toMatchObject({ cause: error });
      const next = open(sound, 3);
      expect((await next.newest())?.step).toBeGreaterThanOrEqual(200);
      expect(next.skipped).toEqual([]);
    }
  });
});

test("one that the store itself finds damaged is skipped and reported, and nothing else that it says is", async () => {
  const sound = createMemoryStore();
  for (const step of [100, 200]) await open(sound, 1).saveAt(step);
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

describe("an attempt that was overtaken", () => {
  const clock = createManualClock();
  const owner = {
    host: "elsewhere",
    bootId: null,
    pid: 1,
    pidStartTime: null,
    run: "r",
    task: "t",
  };
  const take = (store: Store) =>
    takeClaim(store, key, owner, {
      clock,
      isOwnerAlive: async () => "unknown",
      force: true,
    });

  test("writes no manifest, and learns it there", async () => {
    const store = createMemoryStore();
    await take(store);
    const first = open(store, 1);
    await first.saveAt(100);
    await take(store);
    await expect(first.saveAt(200)).rejects.toMatchObject({
      code: "claim.lost",
    });
    expect(await open(store, 2).newest()).toEqual(readAt(100, 1));
  });

  test("whose manifest was on its way cannot outrank its successor's, nor remove them", async () => {
    const store = createMemoryStore();
    const first = open(store, 1);
    await first.saveAt(100);
    await open(store, 2).saveAt(150);
    for (const step of [200, 300])
      await expect(first.saveAt(step)).rejects.toMatchObject({
        code: "claim.lost",
      });
    expect(await store.listFolders(`ckpt/${key}/`)).toContain("2-000000150");
    expect(await open(store, 3).newest()).toEqual(readAt(150, 2));
    const third = open(store, 3);
    await third.saveAt(160);
    expect(await store.listFolders(`ckpt/${key}/`)).toEqual([
      "2-000000150",
      "3-000000160",
    ]);
  });
});

test("numbers that are not finite reach no checkpoint", async () => {
  const store = createMemoryStore();
  for (const value of [Number.NaN, Infinity, -Infinity]) {
    const outcome = await open(store).saveAt(100, {
      copyInto: async (
        targets: ReadonlyMap<string, Uint8Array<SharedArrayBuffer>>,
      ) => {
        const target = targets.get("conv1/weight/momentum");
        target?.set(new Uint8Array(Float32Array.of(1, value).buffer));
      },
    });
    expect(outcome).toEqual({
      kind: "not-finite",
      tensor: "conv1/weight/momentum",
      value,
    });
  }
  expect(await pathsOf(store)).toEqual([]);
});

test("one save at a time, and nothing without its memory: everything else is a bug", async () => {
  const checkpoints = open(createMemoryStore());
  await expect(checkpoints.save(checkpointAt(100))).rejects.toThrow(/prepare/);
  checkpoints.prepare(smallShapes);
  const first = await checkpoints.save(checkpointAt(100));
  await expect(checkpoints.save(checkpointAt(200))).rejects.toThrow(/already/);
  await first.written;
  expect(checkpoints.activity()).toBe("idle");
});

test("a copy that fails leaves room for the next save", async () => {
  const store = createMemoryStore();
  const checkpoints = open(store);
  const copyInto = () => Promise.reject(new Error("no memory"));
  await expect(checkpoints.saveAt(100, { copyInto })).rejects.toThrow(
    "no memory",
  );
  await checkpoints.saveAt(200);
  expect(await checkpoints.newest()).toEqual(readAt(200, 1));
});

test("a metric that no checkpoint has is named in the end: nothing was kept for it", async () => {
  for (const [metric, wantWarnings] of [
    ["loss", 0],
    ["los", 1],
  ] as const) {
    const best = { metric, mode: "min" } as const;
    const checkpoints = open(createMemoryStore(), 1, { best });
    await checkpoints.saveAt(100, { metrics: { loss: 1 } });
    await checkpoints.close();
    expect(checkpoints.skipped).toHaveLength(wantWarnings);
  }
});

describe("the thread that writes", () => {
  test("writes the same bytes as the caller's own thread, and can be ended", async () => {
    const direct = createMemoryStore();
    await open(direct, 3).saveAt(100, { metrics: { loss: 0.5 } });
    const directory = await createTemporaryFolder();
    const store = createFileStore({ directory });
    const checkpoints = open(store, 3);
    await checkpoints.saveAt(100, { metrics: { loss: 0.5 } });
    await checkpoints.close();
    const paths = await pathsOf(direct);
    expect(paths).toHaveLength(4);
    expect(await pathsOf(store)).toEqual(paths);
    for (const path of paths)
      expect(await store.read(path)).toEqual(await direct.read(path));
    expect(await open(store, 4).newest()).toEqual(readAt(100, 3));
  });

  test("tells what it sent past the store that was given", async () => {
    const directory = await createTemporaryFolder();
    const sent: number[] = [];
    const checkpoints = createCheckpointStore({
      ...defaultCheckpoint,
      store: createFileStore({ directory }),
      key,
      epoch: 1,
      onSent: (sizeBytes) => sent.push(sizeBytes),
    });
    const outcome = await save(checkpoints, checkpointAt(100));
    await checkpoints.close();
    expect(outcome).toEqual({ kind: "written", sizeBytes: sent[0] });
  });

  test("hands on why it could not, as the kind of error that it was", async () => {
    const directory = await createTemporaryFolder();
    const store = createFileStore({ directory });
    await store.swap(`claims/${key}.json`, Buffer.from("{"), null);
    const failure = await open(store)
      .saveAt(100)
      .catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(UserError);
    expect(failure).toMatchObject({ code: "claim.corrupt" });
  });

  test("that ends fails what it was asked for", async () => {
    const directory = await createTemporaryFolder();
    const checkpoints = open(createFileStore({ directory }));
    checkpoints.prepare(smallShapes);
    const saving = await checkpoints.save(checkpointAt(100));
    await checkpoints.close();
    await expect(saving.written).rejects.toThrow(/thread .* ended/);
  });
});

describe("after the commit", () => {
  test("nothing of any attempt stays, not even what was cut off", async () => {
    const store = createMemoryStore();
    await open(store, 1).saveAt(100);
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

  test("every k-th and the best stay, whole", async () => {
    const store = createMemoryStore();
    const keep: Partial<KeepSpec> = {
      last: 1,
      everySteps: 400,
      best: { metric: "loss", mode: "min" },
    };
    const losses = [5, 4, 3, 6, 7, 8, 9, 9];
    const checkpoints = open(store, 1, keep);
    for (const [at, loss] of losses.entries())
      await checkpoints.saveAt(100 * (at + 1), { metrics: { loss } });
    const kept = ["1-000000300", "1-000000400", "1-000000800"];
    expect(await store.listFolders(`ckpt/${key}/`)).toEqual(kept);
    await checkpoints.saveAt(900, { metrics: { loss: 9 } });
    await removeCheckpoints(store, key);
    expect(await store.listFolders(`ckpt/${key}/`)).toEqual(kept);
    expect((await open(store, 2).newest())?.step).toBe(800);
  });
});
