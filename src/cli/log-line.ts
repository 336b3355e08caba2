/**
 * A worker's log line for people. Workers write one JSON object per line; on a terminal it is shown as time, level,
 * message and fields. Lines that are not of that kind (a library's own words) are shown as they are.
 */
import type { Paint } from "./output.ts";

/** Fields that are said elsewhere: the line stands under its task. */
const SAID = new Set(["level", "time", "msg", "run", "task", "progress"]);

/** One line of text, without a line feed. */
export function formatLogLine(line: string, paint: Paint): string {
  const entry = parse(line);
  if (entry === null) return paint("dim", line);
  const { level, time, msg, progress } = entry;
  const clock = typeof time === "string" ? time.slice(11, 19) : "";
  const fields = Object.entries(entry)
    .filter(([name]) => !SAID.has(name))
    .map(([name, value]) => `${name}=${show(value)}`);
  const words = isProgress(progress)
    ? [`${progress.step}/${progress.steps}`, progress.detail]
    : [show(msg ?? ""), ...fields];
  const colour =
    level === "error" ? "red" : level === "warn" ? "yellow" : "cyan";
  const shownLevel = paint(colour, show(level ?? "").padEnd(5));
  return [paint("dim", clock), shownLevel, ...words].join(" ");
}

/** One line as a JSON object that names its task, for programs: a library's own words become its message. */
export function toJsonLine(line: string, task: string): string {
  return parse(line) === null ? JSON.stringify({ task, msg: line }) : line;
}

function parse(line: string): Record<string, unknown> | null {
  if (!line.startsWith("{")) return null;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : null;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}

type Progress = {
  readonly step: number;
  readonly steps: number;
  readonly detail: string;
};

function isProgress(value: unknown): value is Progress {
  return (
    typeof value === "object" &&
    value !== null &&
    "step" in value &&
    "steps" in value &&
    "detail" in value
  );
}

function show(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
