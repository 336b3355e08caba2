import { expect, test } from "vitest";
import { TransientError } from "../../../src/base/errors.ts";
import { takeClaim } from "../../../src/store/claims/claims.ts";
import { layout } from "../../../src/store/layout.ts";
import { toJsonBytes } from "../../../src/store/json.ts";
import { readMark } from "../../../src/store/gc/marks.ts";
import { removePin, writePin } from "../../../src/store/gc/pins.ts";
import type { Store } from "../../../src/store/store.ts";
import { keyOf } from "../../support/plans.ts";
import {
  createDyingStore,
  createInterleaving,
  Killed,
} from "../../support/interleaved-store.ts";
import {
  createWorld,
  day,
  hour,
  pathsUnder,
  type World,
} from "../../support/sweep-world.ts";

async function worldWithGarbage(): Promise<World> {
  const world = createWorld();
  await world.commit("kept");
  await world.record("r", ["kept"]);
  await world.commit("gone");
  world.age();
  return world;
}

/** The same store, once some operations of whoever shares it have gone by. */
async function comesLate(seed: number, store: Store): Promise<Store> {
  for (let turns = seed % 60; turns > 0; turns--) await store.stat("nothing");
  return store;
}

test("what no run names goes, manifest and files; what a run names stays", async () => {
  const world = await worldWithGarbage();
  const { removed, skipped, isComplete } = await world.sweep();
  expect(removed).toEqual([
    { category: "artifact", objects: 2, sizeBytes: 30 },
  ]);
  expect({ skipped, isComplete }).toEqual({ skipped: [], isComplete: true });
  expect(await world.stateOf("gone")).toBe("gone");
  expect(await world.stateOf("kept")).toBe("whole");
  expect(await pathsUnder(world.store, "gc/marks/")).toEqual([]);
});

test("a pinned artifact stays with all that it was made from", async () => {
  const world = createWorld();
  await world.commit("base");
  const { store } = world;
  await world.commit("unrelated");
  const { commitArtifact } = await import("../../support/manifests.ts");
  await commitArtifact(
    store,
    { key: keyOf("top"), inputs: { weights: [keyOf("base")] } },
    {},
  );
  await writePin(store, {
    kind: "artifact",
    name: keyOf("top"),
    reason: "figure 3",
    pinnedAtMs: 0,
  });
  world.age();
  await world.sweep();
  expect(await world.stateOf("top")).toBe("whole");
  expect(await world.stateOf("base")).toBe("whole");
  expect(await world.stateOf("unrelated")).toBe("gone");
});

test("nothing that was written within the grace goes", async () => {
  const world = createWorld();
  await world.commit("young");
  world.clock.advance(day - hour);
  await world.sweep();
  expect(await world.stateOf("young")).toBe("whole");
  world.clock.advance(2 * hour);
  await world.sweep();
  expect(await world.stateOf("young")).toBe("gone");
});

test("nothing of a key goes while somebody holds its claim, however old", async () => {
  const world = createWorld();
  const { store } = world;
  await world.commit("busy");
  await takeClaim(
    store,
    keyOf("busy"),
    world.options("worker").owner,
    world.options("worker"),
  );
  world.age();
  const { removed, skipped } = await world.sweep();
  expect(removed).toEqual([]);
  expect(skipped).toEqual([
    {
      what: `artifact ${keyOf("busy")}`,
      reason: "run worker, task t (process 1 on lab) works on it",
    },
  ]);
  expect(await world.stateOf("busy")).toBe("whole");
  world.dead.add("worker");
  await world.sweep();
  world.age();
  await world.sweep();
  expect(await world.stateOf("busy")).toBe("gone");
});

test("attempts that lost, checkpoints of a committed task and unfinished checkpoints go; the winner stays", async () => {
  const world = createWorld();
  const { store } = world;
  const key = keyOf("task");
  await world.record("r", ["task", "open"]);
  await store.put(`${layout.attempt(key, 1)}half.bin`, new Uint8Array(7));
  await world.commit("task", { epoch: 2 });
  await store.put(`ckpt/${key}/1-000000005/manifest.json`, new Uint8Array(2));
  const open = `ckpt/${keyOf("open")}/`;
  await store.put(`${open}1-000000005/model.safetensors`, new Uint8Array(3));
  await store.put(`${open}1-000000005/manifest.json`, new Uint8Array(2));
  await store.put(`${open}1-000000009/model.safetensors`, new Uint8Array(3));
  world.age();
  const { removed } = await world.sweep();
  expect(removed.map(({ category }) => category).sort()).toEqual([
    "attempt",
    "checkpoint",
    "unfinished-checkpoint",
  ]);
  expect(await world.stateOf("task")).toBe("whole");
  expect(await pathsUnder(store, layout.attempt(key, 1))).toEqual([]);
  expect(await pathsUnder(store, "ckpt/")).toEqual([
    `${open}1-000000005/manifest.json`,
    `${open}1-000000005/model.safetensors`,
  ]);
});

test("checkpoints that the pipeline keeps stay as long as their artifact does", async () => {
  const world = await worldWithGarbage();
  const { store } = world;
  const keep = { last: 2, everySteps: 100, best: null };
  for (const name of ["kept", "gone"])
    for (const step of [100, 150]) {
      const key = keyOf(name);
      await store.put(
        `${layout.checkpoint(key, 1, step)}manifest.json`,
        toJsonBytes({ version: 1, key, epoch: 1, step, files: [], keep }),
      );
    }
  world.age();
  await world.sweep();
  expect(await pathsUnder(store, "ckpt/")).toEqual([
    `${layout.checkpoint(keyOf("kept"), 1, 100)}manifest.json`,
  ]);
});

test("a run that is given up goes with its artifacts, plan first, and its lease in a later sweep", async () => {
  const world = await worldWithGarbage();
  const { store } = world;
  await world.sweep({ keepRuns: 0 });
  expect(await pathsUnder(store, "runs/")).toEqual([]);
  expect(await world.stateOf("kept")).toBe("gone");
  expect(await pathsUnder(store, "claims/")).toContain("claims/run-r.json");
  world.age();
  const { removed } = await world.sweep();
  expect(removed.every(({ category }) => category === "claim")).toBe(true);
  expect(await pathsUnder(store, "claims/")).toEqual(["claims/gc.json"]);
});

test("a second sweep at the same time is told who sweeps", async () => {
  const world = await worldWithGarbage();
  await takeClaim(
    world.store,
    "gc",
    world.options("other").owner,
    world.options("other"),
  );
  const second = world.sweep();
  await expect(second).rejects.toThrow(TransientError);
  await expect(second).rejects.toThrow("run other, task t");
});

test("a run that starts while a sweep is under way never loses an artifact that it has found, in 600 orders of events", async () => {
  const ends = { found: 0, absent: 0 };
  for (let seed = 0; seed < 600; seed++) {
    const world = await worldWithGarbage();
    const { view } = createInterleaving(seed);
    const [, found] = await Promise.all([
      world.sweep({}, view(world.store)),
      comesLate(seed, view(world.store)).then((late) =>
        world.use("new", "gone", late),
      ),
    ]);
    expect([seed, await world.stateOf("gone")]).toEqual([
      seed,
      found ? "whole" : "gone",
    ]);
    expect(await world.stateOf("kept")).toBe("whole");
    ends[found ? "found" : "absent"]++;
  }
  // Both happen, or this says nothing about a race.
  expect(Math.min(ends.found, ends.absent)).toBeGreaterThan(20);
});

test("a run that the sweep's listings do not show yet is known by its announcement, in 300 orders of events", async () => {
  const ends = { found: 0, absent: 0 };
  for (let seed = 0; seed < 300; seed++) {
    const world = await worldWithGarbage();
    const { view } = createInterleaving(seed);
    const shared = view(world.store);
    const runs = await world.store.listFolders("runs/");
    const lagging: Store = { ...shared, listFolders: async () => runs };
    const [, found] = await Promise.all([
      world.sweep({}, lagging),
      comesLate(seed, shared).then((late) => world.use("new", "gone", late)),
    ]);
    expect([seed, await world.stateOf("gone")]).toEqual([
      seed,
      found ? "whole" : "gone",
    ]);
    ends[found ? "found" : "absent"]++;
  }
  expect(Math.min(ends.found, ends.absent)).toBeGreaterThan(10);
});

test("a run that is resumed while it is given up keeps its plan or records it again, and never loses what it has found", async () => {
  const ends = { found: 0, absent: 0 };
  for (let seed = 0; seed < 200; seed++) {
    const world = await worldWithGarbage();
    const { view } = createInterleaving(seed);
    const [, found] = await Promise.all([
      world.sweep({ keepRuns: 0 }, view(world.store)),
      comesLate(seed, view(world.store)).then((late) =>
        world.resume("r", "kept", late),
      ),
    ]);
    expect([seed, await world.stateOf("kept")]).toEqual([
      seed,
      found ? "whole" : "gone",
    ]);
    expect(await pathsUnder(world.store, "runs/r/")).toContain(
      "runs/r/plan.json",
    );
    ends[found ? "found" : "absent"]++;
  }
  expect(Math.min(ends.found, ends.absent)).toBeGreaterThan(10);
});

test("a sweep that is killed before any of its operations leaves nothing torn: a run finds all or nothing, and the next sweep ends it", async () => {
  let deaths = 0;
  let condemned = 0;
  for (let at = 0; ; at++) {
    const world = await worldWithGarbage();
    const { store, isDead } = createDyingStore(world.store, at);
    const killed = await world
      .sweep({}, store)
      .then(() => false)
      .catch((thrown: unknown) => {
        if (!(thrown instanceof Killed)) throw thrown;
        return true;
      });
    if (!killed && !isDead()) break;
    deaths++;
    world.dead.add("gc");
    const mark = await readMark(world.store, keyOf("gone"));
    if (mark?.value.state === "condemned") condemned++;
    if (at % 2 === 0) {
      const found = await world.use("new", "gone");
      const state = await world.stateOf("gone");
      // Files without a manifest are leftovers: the run does not see them.
      expect([at, state]).not.toEqual([at, found ? "torn" : "whole"]);
    } else {
      world.age();
      await world.sweep({}, world.store, "gc2");
      expect([at, await world.stateOf("gone")]).toEqual([at, "gone"]);
      expect(await pathsUnder(world.store, "gc/marks/")).toEqual([]);
    }
    expect(await world.stateOf("kept")).toBe("whole");
  }
  expect(deaths).toBeGreaterThan(20);
  expect(condemned).toBeGreaterThan(0);
});

test("a submitted file stays with the runs that were made of it, and goes after the last of them", async () => {
  const world = createWorld();
  const used = await world.submit("used: file");
  const unused = await world.submit("unused: file");
  await world.record("r", ["kept"], world.store, "used: file");
  await world.record("other", ["kept"], world.store, "same: size");
  world.age();
  await world.sweep();
  expect(await pathsUnder(world.store, "pipelines/")).toEqual([used.path]);
  expect(await world.store.stat(unused.path)).toBeNull();
  await world.sweep({ keepRuns: 0 });
  expect(await pathsUnder(world.store, "pipelines/")).toEqual([]);
});

test("a submitted file that a Schedule has pinned stays until it is unpinned", async () => {
  const world = createWorld();
  const { path, sha256 } = await world.submit("x", { pinnedFor: "nightly" });
  world.age();
  await world.sweep();
  expect(await pathsUnder(world.store, "pipelines/")).toEqual([path]);
  await removePin(world.store, sha256);
  await world.sweep();
  expect(await pathsUnder(world.store, "pipelines/")).toEqual([]);
});

test("a file that is submitted again while a sweep removes it is there afterwards, in 300 orders of events", async () => {
  const ends = { removed: 0, skipped: 0 };
  for (let seed = 0; seed < 300; seed++) {
    const world = createWorld();
    const { path } = await world.submit("again");
    world.age();
    const { view } = createInterleaving(seed);
    const [{ removed }] = await Promise.all([
      world.sweep({}, view(world.store)),
      comesLate(seed, view(world.store)).then((late) =>
        world.submit("again", { view: late }),
      ),
    ]);
    expect([seed, await pathsUnder(world.store, "pipelines/")]).toEqual([
      seed,
      [path],
    ]);
    const isRemoved = removed.some(({ category }) => category === "pipeline");
    ends[isRemoved ? "removed" : "skipped"]++;
  }
  // Both happen, or this says nothing about a race.
  expect(Math.min(ends.removed, ends.skipped)).toBeGreaterThan(10);
});
