import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ScheduleSpec } from "../../../src/resources/schedule-resource.ts";
import { openCalendar } from "../../../src/resources/schedule/moments.ts";
import { runNameOf } from "../../../src/resources/schedule/run-of-moment.ts";
import {
  buildSchedule,
  openScheduleWorld,
  type Death,
  type ScheduleWorld,
} from "../../support/schedule-world.ts";

const startMs = Date.parse("2026-11-20T00:00:30Z");
const minute = 60_000;

/** Once a year, so that the Schedule itself does nothing meanwhile. */
const yearly = "0 0 1 1 *";

function open(spec: Partial<ScheduleSpec>): ScheduleWorld {
  return openScheduleWorld(
    buildSchedule(spec, { createdAt: "2026-11-20T00:00:00Z" }),
  );
}

function activeOf(world: ScheduleWorld): string[] {
  return world
    .runs()
    .filter(({ status }) => status === undefined)
    .map(({ metadata }) => metadata.name);
}

/** Looks and ends the oldest Run, until nothing is to do. */
function finish(world: ScheduleWorld): void {
  for (let i = 1; i < 500; i++) {
    const nowMs = startMs + i * minute;
    world.look(nowMs);
    const [oldest] = activeOf(world);
    if (oldest === undefined) return;
    world.end(oldest, "Succeeded", nowMs);
  }
  throw new Error("the backfill does not end");
}

function momentsBetween(
  spec: ScheduleSpec,
  from: string,
  to: string,
): string[] {
  const opened = openCalendar(spec);
  if ("problem" in opened) throw new Error(opened.problem);
  const names: string[] = [];
  let at = opened.calendar.next(Date.parse(from) - 1);
  while (at !== null && at < Date.parse(to)) {
    names.push(runNameOf("nightly", at));
    at = opened.calendar.next(at);
  }
  return names;
}

describe("a backfill", () => {
  it("runs each moment of the range, oldest first, one at a time", () => {
    const world = open({
      schedule: "0 6 * * *",
      backfill: { from: "2026-11-01T00:00:00Z", to: "2026-11-04T06:00:00Z" },
    });
    world.look(startMs);
    expect(world.created).toEqual(["nightly-202611010600"]);
    world.look(startMs + minute);
    expect(world.created).toHaveLength(1);
    finish(world);
    expect(world.created).toEqual([
      "nightly-202611010600",
      "nightly-202611020600",
      "nightly-202611030600",
    ]);
    expect(world.schedule.status?.backfill).toMatchObject({
      total: 3,
      started: 3,
      done: 3,
      upTo: "2026-11-03T06:00:00Z",
    });
  });

  it("goes over a change of clocks, where a night has one moment", () => {
    const world = open({
      schedule: "30 2 * * *",
      timeZone: "Europe/Zurich",
      backfill: {
        from: "2026-10-24T00:00:00+02:00",
        to: "2026-10-27T00:00:00+01:00",
      },
    });
    finish(world);
    expect(world.created).toEqual([
      "nightly-202610240030",
      "nightly-202610250030",
      "nightly-202610260130",
    ]);
  });

  it("has as many Runs at once as it may", () => {
    const world = open({
      schedule: "0 * * * *",
      backfill: {
        from: "2026-11-01T00:00:00Z",
        to: "2026-11-01T10:00:00Z",
        maxAtOnce: 4,
      },
    });
    world.look(startMs);
    expect(activeOf(world)).toHaveLength(4);
    expect(world.schedule.status?.backfill).toMatchObject({
      started: 4,
      done: 0,
    });
    world.end("nightly-202611010100", "Failed", startMs + minute);
    world.look(startMs + minute);
    expect(activeOf(world)).toHaveLength(4);
    expect(world.schedule.status?.backfill).toMatchObject({
      started: 5,
      done: 1,
    });
  });

  it("is not in the way of the Schedule's own moments", () => {
    const world = open({
      schedule: "0 * * * *",
      concurrencyPolicy: "Forbid",
      backfill: { from: "2026-11-01T00:00:00Z", to: "2026-11-02T00:00:00Z" },
    });
    world.look(startMs);
    world.look(Date.parse("2026-11-20T01:00:00Z"));
    expect(world.created).toEqual([
      "nightly-202611010000",
      "nightly-202611200100",
    ]);
  });

  it("ends where the Schedule's own moments begin that have not come", () => {
    const world = open({
      schedule: "0 0 * * *",
      backfill: { from: "2026-11-18T00:00:00Z", to: "2026-12-01T00:00:00Z" },
    });
    finish(world);
    expect(world.created).toEqual([
      "nightly-202611180000",
      "nightly-202611190000",
      "nightly-202611200000",
    ]);
  });

  it("rests while the Schedule is suspended, and goes on where it was", () => {
    const backfill = {
      from: "2026-11-01T00:00:00Z",
      to: "2026-11-01T05:00:00Z",
    };
    const world = open({ schedule: "0 * * * *", backfill });
    world.look(startMs);
    world.end("nightly-202611010000", "Succeeded", startMs);
    const suspend = (isSo: boolean) => {
      const spec = { ...world.schedule.spec, suspend: isSo };
      world.schedule = { ...world.schedule, spec };
    };
    suspend(true);
    world.look(startMs + minute);
    expect(world.created).toHaveLength(1);
    suspend(false);
    finish(world);
    expect(world.created).toHaveLength(5);
  });

  it("begins anew for another range", () => {
    const range = { from: "2026-11-01T00:00:00Z", to: "2026-11-03T00:00:00Z" };
    const world = open({ schedule: "0 6 * * *", backfill: range });
    finish(world);
    const backfill = { ...range, to: "2026-11-04T00:00:00Z" };
    const spec = { ...world.schedule.spec, backfill };
    world.schedule = { ...world.schedule, spec };
    finish(world);
    expect(world.schedule.status?.backfill).toMatchObject({
      total: 3,
      done: 3,
    });
    expect(world.created.at(-1)).toBe("nightly-202611030600");
  });

  it("refuses a range of too many moments, and says so", () => {
    const world = open({
      schedule: "* * * * *",
      backfill: { from: "2020-01-01T00:00:00Z", to: "2026-01-01T00:00:00Z" },
    });
    const due = world.look(startMs);
    expect(due.start).toEqual([]);
    expect(due.problems).toEqual([
      "backfill has more than 5000 moments: choose a shorter range",
    ]);
    expect(world.schedule.status?.conditions).toMatchObject([
      { type: "Ready", status: "True" },
      { type: "Degraded", status: "True" },
    ]);
  });

  it("gives each moment exactly one Run, whenever the controller dies", () => {
    const step = fc.record({
      death: fc.constantFrom<Death>(
        null,
        "before the status",
        "before the removals",
      ),
      ends: fc.nat({ max: 3 }),
    });
    const scene = fc.record({
      maxAtOnce: fc.integer({ min: 1, max: 4 }),
      timeZone: fc.constantFrom("Europe/Zurich", "America/New_York", "Etc/UTC"),
      schedule: fc.constantFrom("30 2 * * *", "15 1,2,3 * * *", "0 */5 * * *"),
      steps: fc.array(step, { maxLength: 25 }),
    });
    const from = "2026-10-23T00:00:00Z";
    const to = "2026-11-03T00:00:00Z";
    fc.assert(
      fc.property(scene, ({ maxAtOnce, timeZone, schedule, steps }) => {
        const backfill = { from, to, maxAtOnce };
        const world = open({ schedule, timeZone, backfill });
        for (const { death, ends } of steps) {
          world.look(startMs, death);
          expect(activeOf(world).length).toBeLessThanOrEqual(maxAtOnce);
          for (const name of activeOf(world).slice(0, ends))
            world.end(name, "Succeeded", startMs);
        }
        for (let i = 0; activeOf(world).length > 0 || i < 2; i++) {
          for (const name of activeOf(world))
            world.end(name, "Succeeded", startMs);
          world.look(startMs);
        }
        const want = momentsBetween(world.schedule.spec, from, to);
        expect(world.created).toEqual(want);
        const { total, done } = world.schedule.status?.backfill ?? {};
        expect([total, done]).toEqual([want.length, want.length]);
      }),
      { numRuns: 60 },
    );
  });

  it("is forgotten when it is taken out of the spec", () => {
    const backfill = {
      from: "2026-11-01T00:00:00Z",
      to: "2026-11-02T00:00:00Z",
    };
    const world = open({ schedule: yearly, backfill });
    world.look(startMs);
    expect(world.schedule.status?.backfill).toMatchObject({
      total: 0,
      done: 0,
    });
    const { backfill: _, ...spec } = world.schedule.spec;
    world.schedule = { ...world.schedule, spec };
    world.look(startMs);
    expect(world.schedule.status?.backfill).toBeUndefined();
  });
});
