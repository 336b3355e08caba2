import { expect, it } from "vitest";
import { createPace } from "../../src/controller/pace.ts";
import { createManualClock } from "../support/manual-clock.ts";

it("lets a key wait at least the gap, longer after a long turn, and never too long", () => {
  const clock = createManualClock();
  const limits = { stepGapMs: 50, stepGapShare: 4, maxStepGapMs: 1000 };
  const pace = createPace(clock, limits);
  expect(pace.waitMs("a")).toBe(0);
  pace.note("a", 2);
  expect(pace.waitMs("a")).toBe(50);
  clock.advance(30);
  expect(pace.waitMs("a")).toBe(20);
  pace.note("a", 100);
  expect(pace.waitMs("a")).toBe(400);
  pace.note("a", 60_000);
  expect(pace.waitMs("a")).toBe(1000);
  pace.forget("a");
  expect(pace.waitMs("a")).toBe(0);
});
