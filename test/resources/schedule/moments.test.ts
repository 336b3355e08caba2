import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  nextMoment,
  openCalendar,
  startOf,
  type Calendar,
} from "../../../src/resources/schedule/moments.ts";

function calendarOf(schedule: string, timeZone?: string): Calendar {
  const opened = openCalendar({
    schedule,
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  if ("problem" in opened) throw new Error(opened.problem);
  return opened.calendar;
}

function moments(
  schedule: string,
  timeZone: string,
  [from, to]: readonly [string, string],
): string[] {
  const calendar = calendarOf(schedule, timeZone);
  const found: string[] = [];
  let at = calendar.next(Date.parse(from) - 1);
  while (at !== null && at < Date.parse(to)) {
    found.push(new Date(at).toISOString().slice(5, 16));
    at = calendar.next(at);
  }
  return found;
}

describe("moments where clocks change", () => {
  it.each([
    [
      "a time that the spring leaves out is run right after the gap, in Zurich",
      "30 2 * * *",
      "Europe/Zurich",
      ["2026-03-28T00:00Z", "2026-03-31T00:00Z"],
      ["03-28T01:30", "03-29T01:00", "03-30T00:30"],
    ],
    [
      "a time that the spring leaves out is run right after the gap, in New York",
      "30 2 * * *",
      "America/New_York",
      ["2026-03-07T00:00Z", "2026-03-10T00:00Z"],
      ["03-07T07:30", "03-08T07:00", "03-09T06:30"],
    ],
    [
      "a time that comes twice in autumn is run once, in Zurich",
      "30 2 * * *",
      "Europe/Zurich",
      ["2026-10-24T00:00Z", "2026-10-27T00:00Z"],
      ["10-24T00:30", "10-25T00:30", "10-26T01:30"],
    ],
    [
      "a time that comes twice in autumn is run once, in New York",
      "30 1 * * *",
      "America/New_York",
      ["2026-10-31T00:00Z", "2026-11-03T00:00Z"],
      ["10-31T05:30", "11-01T05:30", "11-02T06:30"],
    ],
    [
      "two times of a night, one of them left out, are two runs",
      "30 2,4 * * *",
      "Europe/Zurich",
      ["2026-03-29T00:00Z", "2026-03-30T00:00Z"],
      ["03-29T01:00", "03-29T02:30"],
    ],
    [
      "every half hour goes on through the hour that comes twice",
      "*/30 * * * *",
      "Europe/Zurich",
      ["2026-10-25T00:00Z", "2026-10-25T02:30Z"],
      [
        "10-25T00:00",
        "10-25T00:30",
        "10-25T01:00",
        "10-25T01:30",
        "10-25T02:00",
      ],
    ],
    [
      "every half hour goes on over the gap",
      "*/30 * * * *",
      "America/New_York",
      ["2026-03-08T06:00Z", "2026-03-08T08:00Z"],
      ["03-08T06:00", "03-08T06:30", "03-08T07:00", "03-08T07:30"],
    ],
    [
      "a leap day comes in leap years",
      "0 0 29 2 *",
      "Etc/UTC",
      ["2026-01-01T00:00Z", "2033-01-01T00:00Z"],
      ["02-29T00:00", "02-29T00:00"],
    ],
    [
      "a day by its name has no fields",
      "@daily",
      "Europe/Zurich",
      ["2026-03-28T00:00Z", "2026-03-30T00:00Z"],
      ["03-28T23:00", "03-29T22:00"],
    ],
  ] as const)("%s", (_, schedule, zone, range, want) => {
    expect(moments(schedule, zone, range)).toEqual(want);
  });

  it("are in UTC where no time zone is said", () => {
    expect(
      nextMoment({ schedule: "0 3 * * *" }, Date.parse("2026-07-01T00:00Z")),
    ).toBe(Date.parse("2026-07-01T03:00Z"));
  });
});

const zones = ["Europe/Zurich", "America/New_York", "Australia/Lord_Howe"];
const schedules = [
  "30 2 * * *",
  "*/7 * * * *",
  "15,45 1-3 * * *",
  "0 */2 * * SUN",
  "0 0 1 * *",
  "59 23 31 12 *",
];
const anyCalendar = fc.record({
  schedule: fc.constantFrom(...schedules),
  timeZone: fc.constantFrom(...zones),
});
/** Of a year with both changes of clocks, near them more often. */
const anyTime = fc.oneof(
  fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2027, 0) }),
  fc.integer({ min: Date.UTC(2026, 2, 28), max: Date.UTC(2026, 2, 30) }),
  fc.integer({ min: Date.UTC(2026, 9, 24), max: Date.UTC(2026, 10, 2) }),
);

describe("moments", () => {
  it("are whole minutes and strictly increase", () => {
    fc.assert(
      fc.property(anyCalendar, anyTime, ({ schedule, timeZone }, from) => {
        const calendar = calendarOf(schedule, timeZone);
        let at = from;
        for (let i = 0; i < 20; i++) {
          const next = calendar.next(at);
          if (next === null || next <= at || next % 60_000 !== 0) return false;
          at = next;
        }
        return true;
      }),
      { numRuns: 150 },
    );
  });

  it("are the same backward and forward", () => {
    fc.assert(
      fc.property(anyCalendar, anyTime, ({ schedule, timeZone }, from) => {
        const calendar = calendarOf(schedule, timeZone);
        const at = calendar.next(from) ?? 0;
        const after = calendar.next(at) ?? 0;
        return (
          calendar.last(at) === at &&
          calendar.last(after - 1) === at &&
          (calendar.last(at - 1) ?? 0) <= from
        );
      }),
      { numRuns: 150 },
    );
  });

  it("start up to the jitter later, before the next one, always at the same time", () => {
    const calendar = calendarOf("*/10 * * * *");
    fc.assert(
      fc.property(
        anyTime,
        fc.integer({ min: 0, max: 7200 }),
        (from, jitterSeconds) => {
          const at = calendar.next(from) ?? 0;
          const options = { uid: "u", jitterSeconds, calendar };
          const start = startOf(at, options);
          expect(startOf(at, options)).toBe(start);
          expect(start).toBeGreaterThanOrEqual(at);
          expect(start).toBeLessThanOrEqual(at + jitterSeconds * 1000);
          expect(start).toBeLessThan(calendar.next(at) ?? 0);
        },
      ),
    );
  });

  it("are spread by the jitter, differently for each Schedule", () => {
    const calendar = calendarOf("@daily");
    const at = calendar.next(0) ?? 0;
    const starts = Array.from({ length: 100 }, (_, i) =>
      startOf(at, { uid: `u${i}`, jitterSeconds: 3600, calendar }),
    );
    expect(new Set(starts).size).toBeGreaterThan(90);
    expect(Math.max(...starts) - Math.min(...starts)).toBeGreaterThan(
      3_000_000,
    );
  });
});

describe("a schedule that cannot be read", () => {
  it.each([
    ["60 * * * *", undefined, "Invalid value for minute"],
    ["* * * * * *", undefined, "five fields"],
    ["? * * * *", undefined, "five fields"],
    ["@reboot", undefined, "five fields"],
    ["@every 5m", undefined, "five fields"],
    ["0 0 * * FOO", undefined, "is not a schedule"],
    ["0 0 * * *", "Mars/Olympus", "'Mars/Olympus' is not a time zone"],
  ])("%s %s is told what is wrong", (schedule, timeZone, want) => {
    const opened = openCalendar({
      schedule,
      ...(timeZone === undefined ? {} : { timeZone }),
    });
    expect(opened).toEqual({ problem: expect.stringContaining(want) });
    expect(
      nextMoment({ schedule, timeZone: timeZone ?? "Etc/UTC" }, 0),
    ).toBeNull();
  });

  it("has no moment, where its day is in no month", () => {
    expect(nextMoment({ schedule: "0 0 30 2 *" }, 0)).toBeNull();
  });
});
