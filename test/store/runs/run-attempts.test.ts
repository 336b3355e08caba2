import { describe, expect, it } from "vitest";
import type { AttemptObservation } from "../../../src/run/observation.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import {
  readAttempts,
  writeAttempts,
} from "../../../src/store/runs/run-attempts.ts";

const attempts: readonly AttemptObservation[] = [
  {
    number: 1,
    startedAtMs: 10,
    end: { atMs: 20, exitCode: null, cause: "lost", reason: "node is gone" },
  },
  { number: 2, startedAtMs: 30, end: null },
];

describe("the attempts of a run", () => {
  it("are read back as they were written, by task", async () => {
    const store = createMemoryStore();
    await writeAttempts(store, { run: "r", task: "a", attempts });
    await writeAttempts(store, { run: "r", task: "b", attempts: [] });
    await writeAttempts(store, { run: "other", task: "c", attempts });
    expect([...(await readAttempts(store, "r"))]).toEqual([
      ["a", attempts],
      ["b", []],
    ]);
  });

  it("are none for a run that has tried nothing", async () => {
    expect((await readAttempts(createMemoryStore(), "r")).size).toBe(0);
  });

  it.each([
    ["cut off", "[{"],
    ["of another shape", '{"attempts":[]}'],
    [
      "with a cause that nobody knows",
      '[{"number":1,"startedAtMs":0,"end":{"atMs":1,"exitCode":1,"cause":"magic","reason":""}}]',
    ],
  ])("that are %s are an error that names the object", async (_, text) => {
    const store = createMemoryStore();
    await store.put("runs/r/attempts/a.json", Buffer.from(text));
    await expect(readAttempts(store, "r")).rejects.toMatchObject({
      code: "run.attempts-corrupt",
      message: expect.stringContaining("runs/r/attempts/a.json"),
    });
  });
});
