import { describe, expect, it } from "vitest";
import { describeTask } from "../../../src/plan/task-description.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { settleFound } from "../../../src/store/runs/run-found.ts";
import {
  readPackedDescription,
  readPackTasks,
  writePack,
} from "../../../src/store/runs/run-packs.ts";
import { collect } from "../../support/collect.ts";
import { buildPlan } from "../../support/plans.ts";

const plan = buildPlan(
  Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`task-${i}`, {}])),
);
const byName = new Map(plan.tasks.map((task) => [task.name, task]));
const descriptions = plan.tasks.map((task) =>
  describeTask({ plan, byName, run: "r", task }),
);
const name = { run: "r", pack: "p" };

describe("a pack", () => {
  it("tells each index its task, in few objects", async () => {
    const store = createMemoryStore();
    await writePack(store, name, descriptions);
    for (const index of [0, 255, 256, 599])
      expect(await readPackedDescription(store, name, index)).toEqual(
        descriptions[index],
      );
    expect(await readPackTasks(store, name)).toEqual(
      plan.tasks.map((task) => task.name),
    );
    const objects = await collect(store.list("runs/r/packs/p/"));
    expect(objects).toHaveLength(4);
  });

  it("is not there before all of it is, and knows no index beyond its end", async () => {
    const store = createMemoryStore();
    expect(await readPackTasks(store, name)).toBeNull();
    await writePack(store, name, descriptions.slice(0, 3));
    for (const index of [3, 256])
      await expect(
        readPackedDescription(store, name, index),
      ).rejects.toMatchObject({
        code: "run.no-task",
      });
  });

  it("says what is wrong with an object that somebody else wrote", async () => {
    const store = createMemoryStore();
    await store.put("runs/r/packs/p/00000.jsonl", Buffer.from("{}\n"));
    await store.put("runs/r/packs/p/tasks.json", Buffer.from("[1]"));
    await expect(readPackedDescription(store, name, 0)).rejects.toMatchObject({
      code: "run.corrupt",
    });
    await expect(readPackTasks(store, name)).rejects.toMatchObject({
      code: "run.corrupt",
    });
  });
});

describe("what a run found", () => {
  it("stays what its first driver saw", async () => {
    const store = createMemoryStore();
    const keys = plan.tasks.slice(0, 3).map(({ key }) => key);
    const first = await settleFound(store, {
      run: "r",
      plan,
      isCommitted: (key) => keys.includes(key),
    });
    const later = await settleFound(store, {
      run: "r",
      plan,
      isCommitted: () => true,
    });
    expect([...first]).toEqual(keys);
    expect(later).toEqual(first);
  });
});
