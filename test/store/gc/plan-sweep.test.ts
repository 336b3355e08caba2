import { describe, expect, test } from "vitest";
import {
  planSweep,
  type SweepPolicy,
} from "../../../src/store/gc/plan-sweep.ts";
import type {
  KeySurvey,
  RunSurvey,
  Survey,
} from "../../../src/store/gc/survey.ts";
import { day, keepEverything } from "../../support/sweep-world.ts";

const now = 1000 * day;

/** An artifact of 100 bytes, ten days old. */
function key(name: string, values: Partial<KeySurvey> = {}): KeySurvey {
  const sum = { objects: 1, sizeBytes: 100, newestAtMs: now - 10 * day };
  return {
    key: name,
    manifest: { epoch: 1 },
    attempts: [{ ...sum, prefix: `cas/${name}/a1/`, epoch: 1 }],
    checkpoints: [],
    sizeBytes: 100,
    newestAtMs: now - 10 * day,
    ...values,
  };
}

/** A run that was last used so many days ago and names these keys; its own records take 10 bytes. */
function run(
  name: string,
  daysAgo: number,
  keys: readonly string[],
  values: Partial<RunSurvey> = {},
): RunSurvey {
  return {
    run: name,
    prefix: `runs/${name}/`,
    isRecorded: true,
    phase: "Succeeded",
    isLive: false,
    keys: new Set(keys),
    lastUsedAtMs: now - daysAgo * day,
    objects: 3,
    sizeBytes: 10,
    newestAtMs: now - daysAgo * day,
    ...values,
  };
}

function survey(values: Partial<Survey>): Survey {
  return {
    runs: [],
    pins: [],
    keys: [],
    pipelines: [],
    claims: new Map(),
    ...values,
  };
}

function judge(given: Survey, policy: Partial<SweepPolicy> = {}) {
  const plan = planSweep(given, { ...keepEverything, ...policy }, now);
  return {
    runs: plan.runs.map(({ run: name }) => name),
    keys: plan.keys.map(({ key: name }) => name),
    places: plan.keys.flatMap(({ places }) =>
      places.map(({ category, prefix }) => `${category} ${prefix}`),
    ),
    claims: plan.claims,
    pipelines: plan.pipelines.map(({ key: name }) => name),
    youngBytes: plan.youngBytes,
    sweptBytes: plan.sweptBytes,
    storeBytes: plan.storeBytes,
  };
}

const threeRuns = survey({
  runs: [
    run("old", 30, ["a", "b"]),
    run("mid", 20, ["b", "c"]),
    run("new", 5, ["d"]),
  ],
  keys: ["a", "b", "c", "d", "e"].map((name) => key(name)),
});

describe("which runs are given up", () => {
  test.each([
    { policy: {}, runs: [], keys: ["e"] },
    {
      policy: { keepRuns: 1 },
      runs: ["old", "mid"],
      keys: ["a", "b", "c", "e"],
    },
    { policy: { keepRuns: 3 }, runs: [], keys: ["e"] },
    { policy: { olderThanMs: 25 * day }, runs: ["old"], keys: ["a", "e"] },
    // The most recently used stay, whatever their age.
    {
      policy: { olderThanMs: day, keepRuns: 2 },
      runs: ["old"],
      keys: ["a", "e"],
    },
    // 530 bytes: `e` goes first, then run after run until what is left fits; `b` is still needed by `mid`.
    { policy: { maxSizeBytes: 430 }, runs: [], keys: ["e"] },
    { policy: { maxSizeBytes: 429 }, runs: ["old"], keys: ["a", "e"] },
    {
      policy: { maxSizeBytes: 319 },
      runs: ["old", "mid"],
      keys: ["a", "b", "c", "e"],
    },
    {
      policy: { maxSizeBytes: 0, keepRuns: 1 },
      runs: ["old", "mid"],
      keys: ["a", "b", "c", "e"],
    },
  ])("by $policy: $runs", ({ policy, runs, keys }) => {
    const plan = judge(threeRuns, policy);
    expect({ runs: plan.runs, keys: plan.keys }).toEqual({ runs, keys });
    expect(plan.sweptBytes).toBe(keys.length * 100 + runs.length * 10);
    expect(plan.storeBytes).toBe(530);
  });

  test("never one that is live, pinned, or younger than the grace", () => {
    const pin = {
      version: 1,
      kind: "run",
      name: "pinned",
      reason: "",
      pinnedAtMs: 0,
      keys: new Set(["p"]),
    } as const;
    const given = survey({
      runs: [
        run("live", 30, ["l"], { isLive: true }),
        run("pinned", 30, ["p"]),
        run("young", 30, ["y"], { newestAtMs: now - 100 }),
      ],
      pins: [pin],
      keys: ["l", "p", "y"].map((name) => key(name)),
    });
    const policy = { keepRuns: 0, olderThanMs: day, maxSizeBytes: 0 };
    expect(judge(given, policy)).toMatchObject({ runs: [], keys: [] });
  });

  test("what is left of a run without a plan goes", () => {
    const given = survey({ runs: [run("torn", 3, [], { isRecorded: false })] });
    expect(judge(given).runs).toEqual(["torn"]);
  });
});

const place = { objects: 1, sizeBytes: 7, newestAtMs: now - 9 * day };
const checkpoint = (
  prefix: string,
  values: { readonly isComplete?: boolean; readonly isForGood?: boolean } = {},
) => ({ ...place, prefix, isComplete: true, isForGood: false, ...values });

describe("what goes of a key", () => {
  const open = key("k", {
    manifest: null,
    attempts: [{ ...place, prefix: "a1", epoch: 1 }],
    checkpoints: [checkpoint("c1"), checkpoint("c2", { isComplete: false })],
  });
  const committed = key("k", {
    manifest: { epoch: 2 },
    attempts: [
      { ...place, prefix: "a1", epoch: 1 },
      { ...place, prefix: "a2", epoch: 2 },
    ],
    checkpoints: [checkpoint("c1"), checkpoint("c2", { isForGood: true })],
  });

  test.each([
    {
      what: "open",
      of: open,
      live: false,
      want: ["attempt a1", "unfinished-checkpoint c2"],
    },
    { what: "open, of a live run", of: open, live: true, want: [] },
    {
      what: "committed",
      of: committed,
      live: false,
      want: ["attempt a1", "checkpoint c1"],
    },
    {
      what: "committed, of a live run",
      of: committed,
      live: true,
      want: ["attempt a1", "checkpoint c1"],
    },
  ])("that a run needs and that is $what: $want", ({ of, live, want }) => {
    const runs = [run("r", 30, ["k"], { isLive: live })];
    expect(judge(survey({ runs, keys: [of] })).places).toEqual(want);
  });

  test("that nothing needs: all of it", () => {
    expect(judge(survey({ keys: [committed] })).places).toEqual([
      "attempt a1",
      "artifact a2",
      "checkpoint c1",
      "checkpoint c2",
    ]);
  });

  test("of which anything is young: nothing", () => {
    const young = { ...committed, newestAtMs: now - day / 2 };
    expect(judge(survey({ keys: [young] })).keys).toEqual([]);
  });
});

test("claims go when nothing of their key, run or plan is there", () => {
  const old = now - 10 * day;
  const claims = new Map([
    ["has-data", old],
    ["planned", old],
    ["nothing", old],
    ["young", now],
    ["run-r", old],
    ["run-gone", old],
    ["gc", old],
  ]);
  const runs = [run("r", 30, ["planned"])];
  const keys = [key("has-data")];
  expect(judge(survey({ runs, keys, claims })).claims).toEqual([
    "nothing",
    "run-gone",
  ]);
});

describe("submitted files", () => {
  const file = (
    name: string,
    values: { readonly newestAtMs?: number } = {},
  ) => ({
    key: `pipeline-${name}`,
    path: `pipelines/${name}.yaml`,
    sizeBytes: 1000,
    newestAtMs: now - 10 * day,
    ...values,
  });
  const pin = {
    version: 1,
    kind: "pipeline",
    name: "pinned",
    reason: "",
    pinnedAtMs: 0,
    keys: new Set(["pipeline-pinned"]),
  } as const;
  const given = survey({
    runs: [run("r", 30, ["a", "pipeline-used"])],
    keys: [key("a")],
    pins: [pin],
    pipelines: [
      file("used"),
      file("pinned"),
      file("unused"),
      file("young", { newestAtMs: now - day / 2 }),
    ],
    claims: new Map([["pipeline-used", now - 10 * day]]),
  });

  test.each([
    { policy: {}, want: ["pipeline-unused"] },
    { policy: { keepRuns: 0 }, want: ["pipeline-used", "pipeline-unused"] },
    // Of 4,110 bytes the unused file goes in any case; the run takes its artifact and its file along.
    { policy: { maxSizeBytes: 3110 }, want: ["pipeline-unused"] },
    {
      policy: { maxSizeBytes: 3109 },
      want: ["pipeline-used", "pipeline-unused"],
    },
  ])(
    "go when no run that stays was made of them, and no pin or grace keeps them: $policy",
    ({ policy, want }) => {
      const plan = judge(given, policy);
      expect(plan.pipelines).toEqual(want);
      expect(plan.claims).toEqual([]);
      expect([plan.storeBytes, plan.youngBytes]).toEqual([4110, 1000]);
    },
  );
});
