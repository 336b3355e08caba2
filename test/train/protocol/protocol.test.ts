import { expect, test } from "vitest";
import {
  createProtocol,
  type Protocol,
} from "../../../src/train/protocol/protocol.ts";

const earlyStop = {
  kind: "early-stop",
  every: 10,
  patience: 1,
  drops: 1,
  factor: 0.5,
  maxSteps: 100,
  retrain: true,
} as const;

/** Walks a protocol with a score function and returns what every step was told. */
function walk(protocol: Protocol, scoreAt: (done: number) => number) {
  let state = protocol.start;
  const plans = [];
  for (
    let step = 0, plan = protocol.planStep(0, state);
    plan;
    plan = protocol.planStep(step, state)
  ) {
    plans.push(plan);
    step += 1;
    if (protocol.isScoreDue(step, state))
      state = protocol.afterScore(state, { done: step, score: scoreAt(step) });
  }
  return { plans, state };
}

test("a fixed protocol trains its steps once, on everything, and never asks for a score", () => {
  const protocol = createProtocol({
    kind: "fixed",
    steps: 5,
    schedule: { kind: "constant" },
  });
  const { plans } = walk(protocol, () => {
    throw new Error("no score is due");
  });
  expect(plans.map((plan) => plan.step)).toEqual([0, 1, 2, 3, 4]);
  expect(plans.every((plan) => plan.samples === "all")).toBe(true);
  expect(plans.map((plan) => plan.fresh)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
  expect(protocol.mostSteps(protocol.start)).toBe(5);
});

test("early stopping searches on a part, then trains afresh on everything with the rates that it found", () => {
  const protocol = createProtocol(earlyStop);
  // Improves at 10, then never: drops at 20, stops at 30.
  const { plans, state } = walk(protocol, (done) => (done === 10 ? 1 : 0));
  expect(state).toMatchObject({ dropsAt: [20], stoppedAt: 30 });
  expect(plans).toHaveLength(60);
  const [search, again] = [plans.slice(0, 30), plans.slice(30)];
  expect(new Set(search.map((p) => p.samples))).toEqual(new Set(["part"]));
  expect(new Set(again.map((p) => p.samples))).toEqual(new Set(["all"]));
  expect(again.map((p) => p.step)).toEqual(search.map((p) => p.step));
  expect(again.map((p) => p.rateFactor)).toEqual(
    search.map((p) => p.rateFactor),
  );
  expect(again.map((p) => p.rateFactor)[20]).toBe(0.5);
  expect(plans.flatMap((p, i) => (p.fresh ? [i] : []))).toEqual([0, 30]);
  expect(protocol.mostSteps(state)).toBe(60);
});

test("without retraining the run ends where the search does", () => {
  const protocol = createProtocol({ ...earlyStop, retrain: false });
  const { plans } = walk(protocol, () => 0);
  // 10: the first score is the best so far; 20: drop; 30: stop.
  expect(plans).toHaveLength(30);
});
