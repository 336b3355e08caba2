/** Moments as people write them: RFC 3339, or a date, which is its first moment in a time zone. Pure. */
import { ExitCode, UserError } from "../../base/errors.ts";
import { openCalendar } from "../../resources/schedule/moments.ts";

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const MOMENT =
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
/** The earliest date on Earth begins so long before it does in UTC. */
const EARLIEST_MS = 14 * 3_600_000;

/** Milliseconds. Throws `cli.option` (UserError). */
export function parseMoment(
  option: string,
  text: string | undefined,
  timeZone = "Etc/UTC",
): number {
  const ms = Date.parse(text ?? "");
  if (text !== undefined && !Number.isNaN(ms)) {
    if (MOMENT.test(text)) return ms;
    if (DATE.test(text)) return startOfDate(text, ms, timeZone);
  }
  throw new UserError({
    code: "cli.option",
    message: `${option} expects a date such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z, found '${text ?? ""}'`,
    exitCode: ExitCode.usage,
  });
}

/** @param utcMs its first moment in UTC. */
function startOfDate(date: string, utcMs: number, timeZone: string): number {
  const midnights = openCalendar({ schedule: "0 0 * * *", timeZone });
  // A time zone that is not known here: the Schedule's status tells.
  if ("problem" in midnights) return utcMs;
  const { next } = midnights.calendar;
  const first = next(utcMs - EARLIEST_MS - 1);
  if (first === null) return utcMs;
  return toDate(first, timeZone) === date ? first : (next(first) ?? utcMs);
}

/** `2026-01-31`, on a wall there. */
function toDate(ms: number, timeZone: string): string {
  // Sweden writes dates as ISO 8601 does.
  return new Intl.DateTimeFormat("sv-SE", { timeZone }).format(ms);
}

/** `02:30 in Europe/Zurich`. */
export function formatTimeThere(ms: number, timeZone: string): string {
  const time = new Intl.DateTimeFormat("sv-SE", {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
  }).format(ms);
  return `${time} in ${timeZone}`;
}
