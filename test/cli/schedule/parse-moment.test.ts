import { expect, test } from "vitest";
import {
  formatTimeThere,
  parseMoment,
} from "../../../src/cli/schedule/parse-moment.ts";

test.each([
  {
    text: "2026-01-31T12:00:00Z",
    timeZone: undefined,
    want: "2026-01-31T12:00:00.000Z",
  },
  {
    text: "2026-01-31T12:00:00+02:00",
    timeZone: undefined,
    want: "2026-01-31T10:00:00.000Z",
  },
  { text: "2026-01-31", timeZone: undefined, want: "2026-01-31T00:00:00.000Z" },
  {
    text: "2026-01-31",
    timeZone: "Europe/Zurich",
    want: "2026-01-30T23:00:00.000Z",
  },
  {
    text: "2026-07-31",
    timeZone: "Europe/Zurich",
    want: "2026-07-30T22:00:00.000Z",
  },
  {
    text: "2026-01-31",
    timeZone: "America/Los_Angeles",
    want: "2026-01-31T08:00:00.000Z",
  },
  {
    text: "2026-01-31",
    timeZone: "Pacific/Kiritimati",
    want: "2026-01-30T10:00:00.000Z",
  },
  // Clocks went forward at midnight: the day began at one.
  {
    text: "2018-11-04",
    timeZone: "America/Sao_Paulo",
    want: "2018-11-04T03:00:00.000Z",
  },
])("$text in $timeZone is $want", ({ text, timeZone, want }) => {
  expect(new Date(parseMoment("--from", text, timeZone)).toISOString()).toBe(
    want,
  );
});

test.each([
  undefined,
  "",
  "yesterday",
  "2026-13-01",
  "2026-01-31T12:00",
  "1700000000000",
])("%s is no moment", (text) => {
  expect(() => parseMoment("--from", text)).toThrow(/--from expects a date/);
});

test("a moment is told as a clock there shows it", () => {
  const ms = Date.parse("2026-07-01T00:30:00Z");
  expect(formatTimeThere(ms, "Europe/Zurich")).toBe("02:30 in Europe/Zurich");
});
