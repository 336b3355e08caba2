import { describe, expect, it } from "vitest";
import type { ScheduleSpec } from "../../../src/resources/schedule-resource.ts";
import { dueMoments } from "../../../src/resources/schedule/due-moments.ts";
import { scheduleSchema } from "../../../src/resources/schedule-schema.ts";
import {
  buildSchedule,
  openScheduleWorld,
} from "../../support/schedule-world.ts";

const at = (time: string): number => Date.parse(`2026-01-0${time}:00Z`);

function open(spec: Partial<ScheduleSpec> = {}) {
  return openScheduleWorld(buildSchedule(spec));
}

describe("a Schedule", () => {
  it("starts nothing before its first moment, and says when that is", () => {
    const world = open();
    const due = world.look(at("1T00:30"));
    expect(due).toMatchObject({ start: [], lookAgainAtMs: at("1T01:00") });
    expect(world.schedule.status).toMatchObject({
      nextScheduleTime: "2026-01-01T01:00:00Z",
      active: [],
      skipped: 0,
    });
    expect(world.schedule.status?.lastScheduleTime).toBeUndefined();
  });

  it("starts a Run at each moment, once, however often it is looked at", () => {
    const world = open();
    for (const time of ["1T01:00", "1T01:00", "1T01:10", "1T02:00", "1T02:59"])
      world.look(at(time));
    expect(world.created).toEqual([
      "nightly-202601010100",
      "nightly-202601010200",
    ]);
    expect(world.schedule.status).toMatchObject({
      lastScheduleTime: "2026-01-01T02:00:00Z",
      active: ["nightly-202601010100", "nightly-202601010200"],
    });
  });

  it("makes no second Run of a moment when it died before it wrote the first one down", () => {
    const world = open();
    world.look(at("1T01:00"), "before the status");
    expect(world.schedule.status).toBeUndefined();
    const due = world.look(at("1T01:01"));
    expect(due.start).toEqual([]);
    expect(world.created).toHaveLength(1);
    expect(world.schedule.status?.lastScheduleTime).toBe(
      "2026-01-01T01:00:00Z",
    );
  });

  it("starts only the last of the moments that it missed, and counts the others", () => {
    const world = open();
    const due = world.look(at("1T05:30"));
    expect(world.created).toEqual(["nightly-202601010500"]);
    expect(due.skipped?.count).toBe(4);
    expect(world.schedule.status?.skipped).toBe(4);
    expect(world.look(at("1T05:40")).skipped).toBeNull();
  });

  it("starts only the last of more than 100 moments, and counts 100", () => {
    const world = open({ schedule: "* * * * *" });
    const due = world.look(at("9T12:34"));
    expect(world.created).toEqual(["nightly-202601091234"]);
    expect(due.skipped?.count).toBe(100);
    expect(due.lookAgainAtMs).toBe(at("9T12:35"));
  });

  it("skips a moment that it is too late for", () => {
    const world = open({ startingDeadlineSeconds: 600 });
    expect(world.look(at("1T01:10")).start).toHaveLength(1);
    const due = world.look(at("1T02:11"));
    expect(due.start).toEqual([]);
    expect(due.skipped).toEqual({
      count: 1,
      reason:
        "2026-01-01T02:00:00Z was missed by more than startingDeadlineSeconds",
    });
    expect(world.schedule.status?.lastScheduleTime).toBe(
      "2026-01-01T02:00:00Z",
    );
  });

  it("starts nothing while it is suspended, and then the last moment that it missed", () => {
    const world = open({ suspend: true });
    expect(world.look(at("1T03:00")).start).toEqual([]);
    expect(world.schedule.status?.conditions[0]).toMatchObject({
      type: "Ready",
      status: "False",
      reason: "Suspended",
    });
    const spec = { ...world.schedule.spec, suspend: false };
    world.schedule = { ...world.schedule, spec };
    world.look(at("1T03:20"));
    expect(world.created).toEqual(["nightly-202601010300"]);
  });

  it("starts nothing again when the clock goes back", () => {
    const world = open();
    world.look(at("1T05:00"));
    const due = world.look(at("1T03:00"));
    expect(due.start).toEqual([]);
    expect(due.lookAgainAtMs).toBe(at("1T06:00"));
    expect(world.schedule.status?.lastScheduleTime).toBe(
      "2026-01-01T05:00:00Z",
    );
  });

  it("starts later by the jitter, and looks again at that time", () => {
    const world = open({ jitterSeconds: 1800 });
    const { lookAgainAtMs } = world.look(at("1T00:59"));
    if (lookAgainAtMs === null) throw new Error("it never looks again");
    expect(lookAgainAtMs).toBeGreaterThan(at("1T01:00"));
    expect(world.look(lookAgainAtMs - 1)).toMatchObject({
      start: [],
      lookAgainAtMs,
    });
    expect(world.look(lookAgainAtMs).start).toHaveLength(1);
  });
});

describe("a Schedule whose last Run has not ended", () => {
  it("starts the next one beside it, with Allow", () => {
    const world = open({ concurrencyPolicy: "Allow" });
    world.look(at("1T01:00"));
    expect(world.look(at("1T02:00")).start).toHaveLength(1);
    expect(world.runs()).toHaveLength(2);
  });

  it("removes it first, with Replace", () => {
    const world = open({ concurrencyPolicy: "Replace" });
    world.look(at("1T01:00"));
    expect(world.look(at("1T02:00")).replace).toEqual(["nightly-202601010100"]);
    expect(world.runs().map(({ metadata }) => metadata.name)).toEqual([
      "nightly-202601010200",
    ]);
    expect(world.schedule.status?.active).toEqual(["nightly-202601010200"]);
  });

  it("waits for its end, with Forbid, and says so", () => {
    const world = open({ concurrencyPolicy: "Forbid" });
    world.look(at("1T01:00"));
    const due = world.look(at("1T02:00"));
    expect(due.start).toEqual([]);
    expect(due.waiting).toBe(
      "2026-01-01T02:00:00Z waits for the end of nightly-202601010100: concurrencyPolicy is Forbid",
    );
    world.end("nightly-202601010100", "Succeeded", at("1T02:20"));
    world.look(at("1T02:20"));
    expect(world.created.at(-1)).toBe("nightly-202601010200");
    expect(world.schedule.status?.skipped).toBe(0);
  });

  it("skips, with Forbid, what still waits when the next moment comes, each once", () => {
    const world = open({ concurrencyPolicy: "Forbid" });
    for (const time of ["1T01:00", "1T02:00", "1T03:00", "1T03:30", "1T04:00"])
      world.look(at(time));
    expect(world.created).toHaveLength(1);
    expect(world.schedule.status).toMatchObject({
      lastScheduleTime: "2026-01-01T03:00:00Z",
      skipped: 2,
    });
    world.end("nightly-202601010100", "Succeeded", at("1T04:10"));
    world.look(at("1T04:10"));
    expect(world.created.at(-1)).toBe("nightly-202601010400");
  });

  it("gives up waiting at the deadline, and looks then", () => {
    const world = open({
      concurrencyPolicy: "Forbid",
      startingDeadlineSeconds: 600,
    });
    world.look(at("1T01:00"));
    const { lookAgainAtMs } = world.look(at("1T02:00"));
    expect(lookAgainAtMs).toBe(at("1T02:10") + 1);
    expect(world.look(at("1T02:10") + 1).skipped?.count).toBe(1);
  });
});

describe("the history of a Schedule", () => {
  it("keeps three Runs that succeeded and one that failed, the newest ones", () => {
    const world = open();
    for (let hour = 1; hour <= 8; hour++) {
      world.look(at(`1T0${hour}:00`));
      const phase = hour % 2 === 0 ? "Failed" : "Succeeded";
      world.end(`nightly-202601010${hour}00`, phase, at(`1T0${hour}:30`));
    }
    world.look(at("1T08:40"));
    expect(world.runs().map(({ metadata }) => metadata.name)).toEqual([
      "nightly-202601010300",
      "nightly-202601010500",
      "nightly-202601010700",
      "nightly-202601010800",
    ]);
  });

  it("says how the last Run ended, also when its object is gone", () => {
    const world = open({
      successfulRunsHistoryLimit: 1,
      failedRunsHistoryLimit: 0,
    });
    world.look(at("1T01:00"));
    world.end("nightly-202601010100", "Succeeded", at("1T01:30"));
    world.look(at("1T02:00"));
    world.end("nightly-202601010200", "Failed", at("1T02:30"));
    world.look(at("1T02:31"));
    world.look(at("1T02:32"));
    expect(world.runs()).toHaveLength(1);
    expect(world.schedule.status).toMatchObject({
      lastResult: "Failed, everything was found in the store",
      lastEndTime: "2026-01-01T02:30:00Z",
      lastSuccessfulTime: "2026-01-01T01:30:00Z",
    });
  });
});

describe("the status of a Schedule", () => {
  it.each([
    [{ schedule: "61 * * * *" }, "Misconfigured", "Invalid value for minute"],
    [{ timeZone: "Mars/Olympus" }, "Misconfigured", "Mars/Olympus"],
    [
      {
        run: {
          spec: { pipeline: "name: x", params: { day: "${schedule.day}" } },
        },
      },
      "Misconfigured",
      "param 'day' has ${schedule.day}: expected ${schedule.time} or ${schedule.date}",
    ],
  ])(
    "of %o tells what must be mended, and starts nothing",
    (spec, reason, text) => {
      const world = open(spec);
      const due = world.look(at("1T05:00"));
      expect(due.start).toEqual([]);
      expect(world.schedule.status?.conditions).toMatchObject([
        { type: "Ready", status: "False", reason },
        {
          type: "Degraded",
          status: "True",
          message: expect.stringContaining(text),
        },
      ]);
    },
  );

  it("says that no moment is to come", () => {
    const world = open({ schedule: "0 0 30 2 *" });
    world.look(at("1T05:00"));
    expect(world.schedule.status?.conditions[0]?.reason).toBe("NoMoment");
  });

  it("is as the schema says", () => {
    const world = open({
      schedule: "* * * * *",
      backfill: { from: "2025-12-31T00:00:00Z", to: "2025-12-31T00:30:00Z" },
    });
    for (let minute = 10; minute < 50; minute++)
      world.look(at(`1T01:${minute}`));
    const { spec, status } = world.schedule;
    expect(status?.active).toHaveLength(20);
    expect(scheduleSchema.safeParse({ spec, status }).error).toBeUndefined();
  });

  it("does not change while nothing happens", () => {
    const world = open();
    world.look(at("1T01:00"));
    world.look(at("1T01:01"));
    const before = world.schedule.status;
    world.look(at("1T01:30"));
    expect(world.schedule.status).toEqual(before);
  });
});

it("a look changes nothing that it is given", () => {
  const schedule = Object.freeze(buildSchedule());
  const options = { schedule, runs: Object.freeze([]), nowMs: at("1T04:00") };
  expect(dueMoments(options)).toEqual(dueMoments(options));
});
