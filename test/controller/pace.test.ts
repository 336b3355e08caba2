import { expect, it } from "vitest";
import { createPace } from "../../src/controller/pace.ts";
import { createManualClock } from "../support/manual-clock.ts";

const limits = {
  stepGapMs: 50,
  stepGapShare: 20,
  urgentGapShare: 4,
  stepReserveMs: 100,
  maxStepGapMs: 1000,
};

it("lets a key wait for the gap, unless it is urgent, and longer after each turn that failed", () => {
  const clock = createManualClock();
  const pace = createPace(clock, limits);
  expect(pace.waitMs("a")).toBe(0);
  pace.note("a", { busyMs: 2, hasFailed: false });
  expect(pace.waitMs("a")).toBe(50);
  expect(pace.waitMs("a", true)).toBe(0);
  clock.advance(30);
  expect(pace.waitMs("a")).toBe(20);
  for (const waitMs of [200, 400, 800, 1000]) {
    pace.note("a", { busyMs: 1, hasFailed: true });
    expect(pace.waitMs("a", true)).toBe(waitMs);
  }
  pace.note("a", { busyMs: 1, hasFailed: false });
  expect(pace.waitMs("a")).toBe(50);
  pace.forget("a");
  expect(pace.waitMs("a")).toBe(0);
});

it("lets changes wait longer the more the last turn kept the processor busy, and never too long", () => {
  const clock = createManualClock();
  const pace = createPace(clock, limits);
  for (const [busyMs, wantMs] of [
    [1, 50],
    [10, 200],
    [80, 1000],
  ] as const) {
    pace.note("a", { busyMs, hasFailed: false });
    expect(pace.waitMs("a")).toBe(wantMs);
  }
});

it("gives what keeps the processor busy its share of the time, but for a reserve, and never lets it wait too long", () => {
  const clock = createManualClock();
  const pace = createPace(clock, limits);
  const turn = (busyMs: number): number => {
    pace.note("a", { busyMs, hasFailed: false });
    return pace.waitMs("a", true);
  };
  expect([turn(40), turn(40), turn(40)]).toEqual([0, 0, 80]);
  clock.advance(80);
  expect(pace.waitMs("a", true)).toBe(0);
  // In the long run, of five milliseconds one.
  expect(turn(40)).toBe(160);
  clock.advance(160);
  expect(turn(60_000)).toBe(1000);
  clock.advance(100_000);
  expect(turn(100)).toBe(0);
});

it("lets small turns follow each other as fast as changes come", () => {
  const clock = createManualClock();
  const pace = createPace(clock, limits);
  for (let i = 0; i < 1000; i++) {
    pace.note("a", { busyMs: 4, hasFailed: false });
    expect(pace.waitMs("a", true)).toBe(0);
    clock.advance(20);
  }
});
