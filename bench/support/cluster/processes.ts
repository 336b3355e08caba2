/** Programs of the rig as processes of this one: started, measured by what the kernel counts of them, stopped by their ids. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

const TICKS_PER_SECOND = 100;

export type Usage = {
  readonly cpuSeconds: number;
  readonly peakMiB: number;
};

export type Program = {
  readonly pid: number;
  /** Since its start. */
  usage(): Usage;
  /** SIGTERM, and SIGKILL when that does not help. */
  stop(): Promise<void>;
};

/** @param options.log a file that its output is appended to. */
export function startProgram(
  command: readonly string[],
  options: {
    readonly log: string;
    readonly env?: Readonly<Record<string, string>>;
    /** It stands for a program on another machine: those of this one go first (sched(7)). */
    readonly isElsewhere?: boolean;
  },
): Program {
  const before = options.isElsewhere ? ["nice", "-n", "10"] : [];
  const [program = "", ...words] = [...before, ...command];
  const log = openSync(options.log, "a");
  const child = spawn(program, words, {
    stdio: ["ignore", log, log],
    env: { ...process.env, ...options.env },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} could not be started`);
  return { pid, usage: () => usageOf(pid), stop: () => stop(child) };
}

/** Of a process that lives: `/proc/<pid>/stat` and `status` (proc(5)). */
export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const peakKiB = /VmHWM:\s+(\d+)/.exec(status)?.[1];
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    peakMiB: Math.round(Number(peakKiB) / 1024),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const late = new AbortController();
  const outcome = await Promise.race([
    ended.then(() => "ended"),
    delay(15_000, "late", { signal: late.signal }).catch(() => "ended"),
  ]);
  late.abort();
  if (outcome === "late") {
    child.kill("SIGKILL");
    await ended;
  }
}

/** Asks until it is true. Throws when it takes longer than `seconds`. */
export async function until(
  what: string,
  seconds: number,
  isSo: () => boolean | Promise<boolean>,
): Promise<void> {
  const endMs = performance.now() + seconds * 1000;
  while (!(await isSo())) {
    if (performance.now() > endMs)
      throw new Error(`gave up waiting for ${what} after ${seconds} s`);
    await delay(50);
  }
}

export async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
