import { expect, it } from "vitest";
import { createPace } from "../../src/controller/pace.ts";
import { createManualClock } from "../support/manual-clock.ts";

it("lets a key wait at least the gap, longer after a long turn or one that failed, and never too long", () => {
  const clock = createManualClock();
  const limits = { stepGapMs: 50, stepGapShare: 4, maxStepGapMs: 1000 };
  const pace = createPace(clock, limits);
  expect(pace.waitMs("a")).toBe(0);
  pace.note("a", { busyMs: 2, hasFailed: false });
  expect(pace.waitMs("a")).toBe(50);
  expect(pace.waitMs("a", true)).toBe(8);
  clock.advance(30);
  expect(pace.waitMs("a")).toBe(20);
  pace.note("a", { busyMs: 100, hasFailed: false });
  expect(pace.waitMs("a")).toBe(400);
  pace.note("a", { busyMs: 60_000, hasFailed: false });
  expect(pace.waitMs("a")).toBe(1000);
  for (const waitMs of [200, 400, 800, 1000]) {
    pace.note("a", { busyMs: 1, hasFailed: true });
    expect(pace.waitMs("a")).toBe(waitMs);
  }
  pace.note("a", { busyMs: 1, hasFailed: false });
  expect(pace.waitMs("a")).toBe(50);
  pace.forget("a");
  expect(pace.waitMs("a")).toBe(0);
});
