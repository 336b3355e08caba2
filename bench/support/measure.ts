/** What the scripts that compare programs share: one run of a program measured, and medians. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";

export type Measured = {
  readonly wallSeconds: number;
  /** User and system, of the program and the processes that it waited for. */
  readonly cpuSeconds: number;
};

/** Runs a program to its end, its start included. Throws with what it said if it fails. */
export async function runMeasured(
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Measured> {
  // bash measures what it waits for; its own start is not counted.
  const script = 'TIMEFORMAT="%3R %3U %3S"; time "$@"';
  const { stderr } = await promisify(execFile)(
    "bash",
    ["-c", script, "bash", ...command],
    { env: { ...process.env, ...environment }, maxBuffer: 2 ** 26 },
  );
  const last = stderr.trimEnd().split("\n").at(-1) ?? "";
  const [wallSeconds = NaN, user = NaN, system = NaN] = last
    .split(" ")
    .map(Number);
  return { wallSeconds, cpuSeconds: user + system };
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const low = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  const high = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  return (low + high) / 2;
}

/** The most memory that this process has had at once. */
export function peakBytes(): number {
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** From here on the most is counted anew. */
export function forgetPeak(): void {
  writeFileSync("/proc/self/clear_refs", "5");
}
