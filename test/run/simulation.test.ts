/**
 * Minutes of a cluster's life in milliseconds: `reconcile` against a world that fails, delays, loses, evicts and
 * withholds, from a seeded script. A failing seed is printed by the test's name and can be run alone.
 */
import { describe, expect, it } from "vitest";
import { below, uniform } from "../../src/base/random.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type {
  AttemptObservation,
  EndCause,
  Observation,
} from "../../src/run/observation.ts";
import { reconcile } from "../../src/run/reconcile.ts";
import type { Action, RunStatus } from "../../src/run/status.ts";
import { isTerminal } from "../../src/run/to-status.ts";
import { buildPlan, type TaskSketch } from "../support/plans.ts";

const CAPACITY = { cpu: 4, memoryBytes: 2 ** 30, gpu: 1 };
const MAX_ROUNDS = 20_000;

type Attempt = {
  number: number;
  startedAtMs: number;
  dueMs: number;
  end: AttemptObservation["end"];
};
type Mood = "sound" | "poisoned" | "flaky";
type World = {
  readonly plan: Plan;
  readonly moods: ReadonlyMap<string, Mood>;
  readonly attempts: Map<string, Attempt[]>;
  readonly committed: Map<string, number>;
  readonly heldUntilMs: Map<string, number>;
  nowMs: number;
  cancelAtMs: number;
};

function createWorld(seed: number): World {
  const size = 1 + below(24, seed, 1);
  const sketches: Record<string, TaskSketch> = {};
  for (let i = 0; i < size; i++) {
    const inputs = Array.from({ length: i }, (_, j) => j)
      .filter((j) => uniform(seed, 2, i, j) < 1.5 / i)
      .map((j) => `t${j}`);
    sketches[`t${i}`] = {
      inputs,
      kind: uniform(seed, 3, i) < 0.3 ? "pretrain" : "shard",
      resources: {
        cpu: 1 + below(6, seed, 4, i),
        memoryBytes: 2 ** (26 + below(5, seed, 5, i)),
        gpu: uniform(seed, 6, i) < 0.2 ? 1 : 0,
      },
      ...(uniform(seed, 7, i) < 0.2 ? { timeoutMs: 60_000 } : {}),
    };
  }
  const plan = buildPlan(sketches);
  const names = plan.tasks.map(({ name }) => name);
  const moodOf = (i: number): Mood => {
    const u = uniform(seed, 8, i);
    return u < 0.08 ? "poisoned" : u < 0.5 ? "flaky" : "sound";
  };
  const held = names.filter((_, i) => uniform(seed, 9, i) < 0.1);
  return {
    plan,
    moods: new Map(names.map((name, i) => [name, moodOf(i)])),
    attempts: new Map(),
    committed: new Map(),
    heldUntilMs: new Map(
      held.map((name, i) => [name, below(100_000, seed, 10, i)]),
    ),
    nowMs: 0,
    cancelAtMs:
      uniform(seed, 11) < 0.1 ? below(60_000, seed, 12) : Number.MAX_VALUE,
  };
}

/** Ends that a flaky task may meet, none of them final on its own. */
const mishaps: readonly (readonly [number | null, EndCause | null])[] = [
  [70, null],
  [75, null],
  [75, "claim"],
  [143, null],
  [137, null],
  [null, "lost"],
  [null, "evicted"],
  [143, "deadline"],
];

function advance(world: World, seed: number, byMs: number): void {
  world.nowMs += byMs;
  for (const [task, attempts] of world.attempts) {
    const attempt = attempts.at(-1);
    if (!attempt || attempt.end || attempt.dueMs > world.nowMs) continue;
    const draw = below(mishaps.length, seed, 20, attempt.number, task.length);
    const mishap = mishaps[draw] ?? [70, null];
    const mood = world.moods.get(task);
    // Each kind of mishap hits a task once at most, so a flaky task is never beyond its tries.
    const fails =
      mood === "flaky" &&
      attempt.number <= 3 &&
      !attempts.some(
        ({ end }) => end?.exitCode === mishap[0] && end.cause === mishap[1],
      );
    const ended = (exitCode: number | null, cause: EndCause | null): void => {
      attempt.end = {
        atMs: world.nowMs,
        exitCode,
        cause,
        reason: `${exitCode} ${cause}`,
      };
    };
    if (mood === "poisoned") ended(65, null);
    else if (fails) ended(mishap[0], mishap[1]);
    else {
      world.committed.set(task, (world.committed.get(task) ?? 0) + 1);
      ended(0, null);
    }
  }
  for (const [task, untilMs] of world.heldUntilMs)
    if (untilMs <= world.nowMs) {
      world.heldUntilMs.delete(task);
      if (!world.committed.has(task)) world.committed.set(task, 1);
    }
}

function observe(world: World, shuffleSeed: number): Observation {
  const entries = world.plan.tasks
    .map((task, i) => ({ task, order: uniform(shuffleSeed, i) }))
    .sort((a, b) => a.order - b.order)
    .map(({ task: { name } }) => {
      const attempts = world.attempts.get(name) ?? [];
      const committed = world.committed.has(name);
      const heldBy = world.heldUntilMs.has(name) ? "run 'other'" : null;
      return [name, { task: name, committed, heldBy, attempts }] as const;
    });
  return {
    tasks: new Map(entries),
    capacity: CAPACITY,
    control: { cancel: world.nowMs >= world.cancelAtMs, retriedAtMs: {} },
  };
}

function apply(world: World, seed: number, actions: readonly Action[]): void {
  for (const action of actions) {
    const attempts = world.attempts.get(action.task) ?? [];
    world.attempts.set(action.task, attempts);
    const last = attempts.at(-1);
    if (action.kind === "stop") {
      if (last && !last.end)
        last.end = {
          atMs: world.nowMs,
          exitCode: 143,
          cause: action.cause,
          reason: action.reason,
        };
      continue;
    }
    if (last?.number === action.attempt) continue; // "already exists" is success
    expect(last?.end ?? null, `${action.task} is started twice`).toEqual(
      last ? expect.anything() : null,
    );
    const task = world.plan.tasks.find(({ name }) => name === action.task);
    for (const input of Object.values(task?.inputs ?? {}).flat())
      expect(world.committed.has(input), `${action.task} before ${input}`).toBe(
        true,
      );
    const ms = 1 + below(30_000, seed, 30, attempts.length, action.task.length);
    attempts.push({
      number: action.attempt,
      startedAtMs: world.nowMs,
      dueMs: world.nowMs + ms,
      end: null,
    });
  }
  expectWithinCapacity(world);
}

function expectWithinCapacity(world: World): void {
  const running = world.plan.tasks.filter(
    ({ name }) => world.attempts.get(name)?.at(-1)?.end === null,
  );
  const sum = (pick: (r: (typeof running)[number]) => number): number =>
    running.reduce((total, task) => total + pick(task), 0);
  if (running.length > 1)
    expect(sum(({ resources }) => resources.cpu)).toBeLessThanOrEqual(
      CAPACITY.cpu,
    );
  expect(sum(({ resources }) => resources.memoryBytes)).toBeLessThanOrEqual(
    CAPACITY.memoryBytes,
  );
  expect(sum(({ resources }) => resources.gpu)).toBeLessThanOrEqual(
    CAPACITY.gpu,
  );
}

function live(seed: number): { world: World; status: RunStatus } {
  const world = createWorld(seed);
  let previous: RunStatus | undefined;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const seen = observe(world, seed + round);
    const decision = reconcile(world.plan, seen, world.nowMs, previous);
    const again = reconcile(
      world.plan,
      observe(world, round),
      world.nowMs,
      previous,
    );
    expect(again).toEqual(decision);
    if (isTerminal(decision.status.phase))
      return { world, status: decision.status };
    const crash = uniform(seed, 40, round) < 0.1;
    previous = crash ? undefined : decision.status;
    // A driver that dies while it applies has done only some of the actions, and knows nothing any more.
    const done = crash
      ? decision.actions.slice(
          0,
          below(decision.actions.length + 1, seed, 41, round),
        )
      : decision.actions;
    apply(world, seed, done);
    // A new driver looks at once, and an executor reports at once that a stopped attempt has ended.
    const soon = crash || done.some(({ kind }) => kind === "stop");
    advance(world, seed, soon ? 1 : waitMs(world, decision.requeueAfterMs));
  }
  throw new Error(`seed ${seed} does not come to an end`);
}

/** Until the next attempt ends or the decision wants to look again. */
function waitMs(world: World, requeueAfterMs: number | null): number {
  const due = [...world.attempts.values()]
    .map((attempts) => attempts.at(-1))
    .filter((attempt) => attempt?.end === null)
    .map((attempt) => (attempt?.dueMs ?? 0) - world.nowMs);
  const cancelInMs = world.cancelAtMs - world.nowMs;
  if (cancelInMs > 0) due.push(cancelInMs);
  const next = Math.min(...due, requeueAfterMs ?? Number.MAX_VALUE);
  expect(
    next,
    "nothing runs, nothing is due, and the run has not ended",
  ).toBeLessThan(Number.MAX_VALUE);
  return Math.max(1, next);
}

function ancestorsOf(plan: Plan, name: string): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (task: string): void => {
    const inputs = plan.tasks.find((t) => t.name === task)?.inputs ?? {};
    for (const input of Object.values(inputs).flat()) {
      if (!found.has(input)) visit(input);
      found.add(input);
    }
  };
  visit(name);
  return found;
}

describe("a run in a hostile world", () => {
  const seeds = Array.from({ length: 400 }, (_, i) => i);

  it.each(seeds)("ends well whatever happens (seed %i)", (seed) => {
    const { world, status } = live(seed);
    const { plan, moods, committed } = world;
    for (const [task, times] of committed)
      expect(times, `${task} is committed more than once`).toBe(1);
    if (world.cancelAtMs <= world.nowMs) return;

    const poisoned = (name: string): boolean =>
      moods.get(name) === "poisoned" && !committed.has(name);
    const unaffected = plan.tasks.filter(
      ({ name, resources }) =>
        ![name, ...ancestorsOf(plan, name)].some(poisoned) &&
        resources.memoryBytes <= CAPACITY.memoryBytes,
    );
    for (const { name } of unaffected)
      expect(committed.has(name), `${name} is not done`).toBe(true);
    const wantPhase =
      unaffected.length === plan.tasks.length ? "Succeeded" : "Failed";
    expect(status.phase).toBe(wantPhase);
    for (const note of status.notes) expect(note.reason).not.toBe("");
  });
});
