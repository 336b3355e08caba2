import { describe, expect, it } from "vitest";
import type { Plan } from "../../src/plan/plan.ts";
import type {
  AttemptObservation,
  Observation,
  TaskObservation,
} from "../../src/run/observation.ts";
import { reconcile } from "../../src/run/reconcile.ts";
import { buildPlan } from "../support/plans.ts";

const NOW = 1_000_000;
const running: AttemptObservation = {
  number: 1,
  startedAtMs: NOW - 10_000,
  end: null,
};
const ended = (
  exitCode: number,
  reason = "why",
  number = 1,
): AttemptObservation => ({
  number,
  startedAtMs: NOW - 20_000,
  end: { atMs: NOW - 100, exitCode, cause: null, reason },
});
const committed = { committed: true } as const;

type Seen = Partial<Omit<TaskObservation, "task">>;

function observe(
  seen: Readonly<Record<string, Seen>> = {},
  change: Partial<Observation> = {},
): Observation {
  const tasks = Object.entries(seen).map(
    ([task, partial]) =>
      [
        task,
        { task, committed: false, heldBy: null, attempts: [], ...partial },
      ] as const,
  );
  return {
    tasks: new Map(tasks),
    capacity: null,
    control: { cancel: false, retriedAtMs: {} },
    ...change,
  };
}

const decide = (plan: Plan, observation: Observation) =>
  reconcile(plan, observation, NOW);
const startsOf = (plan: Plan, observation: Observation) =>
  decide(plan, observation)
    .actions.filter(({ kind }) => kind === "start")
    .map(({ task }) => task);
const phasesOf = (plan: Plan, observation: Observation) =>
  decide(plan, observation).states.map(({ phase }) => phase);

const chain = buildPlan({ a: {}, b: { inputs: ["a"] }, c: { inputs: ["b"] } });
const GiB = 2 ** 30;

describe("reconcile starts", () => {
  it("what has no inputs, and what has all of them committed, and nothing else", () => {
    expect(startsOf(chain, observe())).toEqual(["a"]);
    expect(startsOf(chain, observe({ a: committed }))).toEqual(["b"]);
    expect(startsOf(chain, observe({ a: { attempts: [running] } }))).toEqual(
      [],
    );
  });

  it("the next attempt by the number after the last one", () => {
    const seen = observe({ a: { attempts: [ended(143, "", 4)] } });
    const [action] = reconcile(chain, seen, NOW + 60_000).actions;
    expect(action).toEqual({ kind: "start", task: "a", attempt: 5 });
  });

  it("the task with the longest chain behind it first, and weighs training more", () => {
    const plan = buildPlan({
      short: {},
      long: {},
      middle: { inputs: ["long"] },
      end: { inputs: ["middle"] },
      train: { kind: "pretrain" },
    });
    expect(startsOf(plan, observe())).toEqual(["train", "long", "short"]);
  });

  it("tasks of equal weight in the order of the plan", () => {
    const plan = buildPlan({ x: {}, y: {}, z: {} });
    expect(startsOf(plan, observe())).toEqual(["x", "y", "z"]);
  });

  it("as many as fit beside what runs; a small one passes a large one that waits for a heavier one, and no other", () => {
    const plan = buildPlan({
      heavy: { kind: "pretrain" },
      "heavy-too": { kind: "pretrain", inputs: ["heavy"] },
      large: { kind: "pretrain", resources: { cpu: 2 } },
      light: {},
      small: {},
      "small-too": {},
    });
    const capacity = { cpu: 2, memoryBytes: GiB, gpu: 0 };
    const whileRuns = (name: string) =>
      startsOf(
        plan,
        observe(
          {
            heavy: name === "heavy" ? {} : committed,
            "heavy-too": name === "heavy" ? {} : committed,
            light: committed,
            [name]: { attempts: [running] },
          },
          { capacity },
        ),
      );
    expect(whileRuns("heavy")).toEqual(["small"]);
    expect(whileRuns("light")).toEqual([]);
  });

  it("a task with more cores than there are alone, when nothing else runs", () => {
    const plan = buildPlan({ wide: { resources: { cpu: 64 } }, other: {} });
    const capacity = { cpu: 2, memoryBytes: GiB, gpu: 0 };
    expect(startsOf(plan, observe({}, { capacity }))).toEqual(["wide"]);
    const busy = observe({ other: { attempts: [running] } }, { capacity });
    expect(startsOf(plan, busy)).toEqual([]);
  });
});

describe("reconcile says why", () => {
  it("a task can never run here, with the figures, and what that makes impossible", () => {
    const plan = buildPlan({
      huge: { resources: { memoryBytes: 48 * GiB } },
      gpu: { resources: { gpu: 2 } },
      next: { inputs: ["huge"] },
      last: { inputs: ["next"] },
    });
    const capacity = { cpu: 2, memoryBytes: 8 * GiB, gpu: 0 };
    const { status } = decide(plan, observe({}, { capacity }));
    expect(status.phase).toBe("Failed");
    const reasons = Object.fromEntries(
      status.notes.map(({ task, reason }) => [task, reason]),
    );
    expect(reasons["huge"]).toContain(
      "48.0 GiB of memory, but there are 8.0 GiB",
    );
    expect(reasons["gpu"]).toContain("2 GPUs, but there are 0");
    expect(reasons["next"]).toBe("needs 'huge', which failed");
    expect(reasons["last"]).toBe("needs 'huge', which failed");
  });

  it("a task waits for somebody else's claim, and looks again soon", () => {
    const seen = observe({ a: { heldBy: "run other, task a" } });
    const { status, actions, requeueAfterMs } = decide(chain, seen);
    expect(actions).toEqual([]);
    expect(status.phase).toBe("Pending");
    expect(status.reason).toContain("waits for run other, task a");
    expect(requeueAfterMs).toBe(2000);
  });

  it("a task waits after a failure, and comes back exactly then", () => {
    const seen = observe({ a: { attempts: [ended(75, "store is busy")] } });
    const { status, actions, requeueAfterMs } = decide(chain, seen);
    expect(actions).toEqual([]);
    expect(status.notes[0]?.reason).toContain("after: store is busy");
    if (requeueAfterMs === null) throw new Error("it never looks again");
    expect(reconcile(chain, seen, NOW + requeueAfterMs - 1).actions).toEqual(
      [],
    );
    expect(reconcile(chain, seen, NOW + requeueAfterMs).actions).toHaveLength(
      1,
    );
  });
});

describe("reconcile stops", () => {
  it("an attempt over its time limit, and not a moment earlier", () => {
    const plan = buildPlan({ a: { timeoutMs: 10_000 } });
    const seen = observe({ a: { attempts: [running] } });
    const early = reconcile(plan, seen, NOW - 1);
    expect(early.actions).toEqual([]);
    expect(early.requeueAfterMs).toBe(1);
    expect(decide(plan, seen).actions).toEqual([
      {
        kind: "stop",
        task: "a",
        cause: "deadline",
        reason: "over its time limit of 10 s; raise 'timeout' of the stage",
      },
    ]);
  });

  it("everything when the run is cancelled, which ends when nothing runs any more", () => {
    const control = { cancel: true, retriedAtMs: {} };
    const plan = buildPlan({ a: {}, b: {}, bad: {} });
    const bad = { attempts: [ended(65)] };
    const seen = observe({ a: { attempts: [running] }, bad }, { control });
    expect(decide(plan, seen)).toMatchObject({
      status: { phase: "Running" },
      actions: [{ kind: "stop", task: "a", cause: "stopped-by-us" }],
    });
    const after = observe({ a: { attempts: [ended(143)] }, bad }, { control });
    expect(decide(plan, after).status.phase).toBe("Cancelled");
    expect(phasesOf(plan, after)).toEqual(["Cancelled", "Cancelled", "Failed"]);
  });
});

describe("reconcile settles", () => {
  it("a task by its manifest alone, whatever its attempts say", () => {
    const attempts = [ended(70), { ...running, number: 2 }];
    const seen = observe({ a: { ...committed, attempts } });
    expect(phasesOf(chain, seen)[0]).toBe("Succeeded");
  });

  it("a run as Succeeded when everything is committed, and says what was found", () => {
    const seen = observe({ a: committed, b: committed, c: committed });
    const { status } = decide(chain, seen);
    expect(status.phase).toBe("Succeeded");
    expect(status.reason).toBe("everything was found in the store");
    expect(status.counts.cached).toBe(3);
  });

  it("a run as Failed only when nothing that can still be done is left", () => {
    const plan = buildPlan({ bad: {}, good: {} });
    const bad = { attempts: [ended(65, "no photographs")] };
    expect(decide(plan, observe({ bad })).status.phase).toBe("Running");
    const { status } = decide(plan, observe({ bad, good: committed }));
    expect(status).toMatchObject({
      phase: "Failed",
      reason: "'bad' failed: no photographs",
    });
  });

  it("a task that is tried again as not failed any more, and only that one", () => {
    const plan = buildPlan({ a: {}, b: {} });
    const failed = { attempts: [ended(65)] };
    const seen = (retriedAtMs: Readonly<Record<string, number>>) =>
      observe(
        { a: failed, b: failed },
        { control: { cancel: false, retriedAtMs } },
      );
    expect(startsOf(plan, seen({ a: NOW }))).toEqual(["a"]);
    expect(startsOf(plan, seen({ "*": NOW }))).toEqual(["a", "b"]);
    expect(startsOf(plan, seen({ "*": NOW - 1000 }))).toEqual([]);
  });

  it("a terminal run for ever: what vanishes afterwards starts nothing", () => {
    const done = observe({ a: committed, b: committed, c: committed });
    const { status } = decide(chain, done);
    const after = reconcile(chain, observe(), NOW, status);
    expect(after).toMatchObject({ status, actions: [], requeueAfterMs: null });
  });

  it("an empty plan as done", () => {
    expect(decide(buildPlan({}), observe()).status.phase).toBe("Succeeded");
  });
});

it("a plan whose tasks stand before their inputs is a bug", () => {
  const plan = buildPlan({ b: { inputs: ["a"] }, a: {} });
  expect(() => decide(plan, observe())).toThrow("stands before its input 'a'");
});
