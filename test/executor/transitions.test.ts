import { describe, expect, it } from "vitest";
import { findTransitions } from "../../src/executor/transitions.ts";
import { noControl, type Observation } from "../../src/run/observation.ts";
import type { TaskState } from "../../src/run/task-state.ts";
import { buildPlan } from "../support/plans.ts";

const plan = buildPlan({ a: {}, b: {} });
const nothing: Observation = {
  tasks: new Map(),
  capacity: null,
  control: noControl,
};
const pending: TaskState = { phase: "Pending", wait: { for: "capacity" } };
const running: TaskState = { phase: "Running", stopping: null };
const found: TaskState = { phase: "Succeeded", cached: true };

describe("transitions", () => {
  it("are one per task whose phase changed", () => {
    const before = [pending, running];
    const after = [running, running];
    expect(
      findTransitions({ plan, before, after, observation: nothing }),
    ).toEqual([
      { task: "a", from: "Pending", to: "Running", attempt: null, reason: "" },
    ]);
  });

  it("are one for all that is found at the first look", () => {
    const after = [found, found];
    const first = { plan, before: null, after, observation: nothing };
    expect(findTransitions(first)).toMatchObject([
      { task: null, reason: "2 of 2 tasks were found in the store" },
    ]);
    const later = findTransitions({ ...first, before: [pending, pending] });
    expect(later.map(({ task }) => task)).toEqual(["a", "b"]);
  });

  it("say why the last attempt ended when another one will follow", () => {
    const end = { atMs: 1, exitCode: 75, cause: null, reason: "busy" };
    const attempts = [{ number: 3, startedAtMs: 0, end }];
    const seen = { task: "a", committed: false, heldBy: null, attempts };
    const observation = { ...nothing, tasks: new Map([["a", seen]]) };
    const [transition] = findTransitions({
      plan,
      before: [running, pending],
      after: [pending, pending],
      observation,
    });
    expect(transition).toMatchObject({ attempt: 3, reason: "busy" });
  });
});
