/**
 * Who holds a claim, precisely enough to see on the same machine that it died: a process id alone is reused, so its
 * start time goes with it, and both mean something only within one boot and one PID namespace.
 * On another machine, or without /proc, nothing is known: the caller falls back on heartbeats.
 */
import * as fs from "node:fs/promises";
import { z } from "zod";
import { systemCode } from "../../base/errors.ts";

export const claimOwnerSchema = z.object({
  host: z.string(),
  /** Boot id and PID namespace (two containers on one machine have different processes 1); null: not known. */
  bootId: z.string().nullable(),
  pid: z.int(),
  /** In clock ticks after boot, as /proc/<pid>/stat has it; null: not known. */
  pidStartTime: z.string().nullable(),
  run: z.string(),
  task: z.string(),
});

export type ClaimOwner = z.output<typeof claimOwnerSchema>;

export type Liveness = "alive" | "dead" | "unknown";

/** What is read of the machine; a test's own. */
export type ProcReader = {
  /** The text of a file, or null if it is not there. */
  readText(path: string): Promise<string | null>;
  /** The target of a symbolic link, or null if it is not there. */
  readLink(path: string): Promise<string | null>;
};

export const procReader: ProcReader = {
  readText: (path) => orNull(fs.readFile(path, "utf8")),
  readLink: (path) => orNull(fs.readlink(path)),
};

/** The owner record of process `pid` of this machine, on behalf of one task of a run. */
export async function readOwner(options: {
  readonly host: string;
  readonly pid: number;
  readonly run: string;
  readonly task: string;
  readonly proc?: ProcReader;
}): Promise<ClaimOwner> {
  const { host, pid, run, task, proc = procReader } = options;
  const [bootId, process] = await Promise.all([
    readBootId(proc),
    readProcess(proc, pid),
  ]);
  const pidStartTime = process?.startTime ?? null;
  return { host, bootId, pid, pidStartTime, run, task };
}

/** Whether an owner's process still runs, judged from this machine. */
export function createLiveness(options: {
  readonly host: string;
  readonly proc?: ProcReader;
}): (owner: ClaimOwner) => Promise<Liveness> {
  const { host, proc = procReader } = options;
  return async (owner) => {
    const bootId = await readBootId(proc);
    // Host names are not unique (containers, cloned machines): another boot or PID namespace under the same name
    // proves neither life nor death.
    if (owner.host !== host || bootId === null || owner.bootId !== bootId)
      return "unknown";
    if (owner.pidStartTime === null) return "unknown";
    const process = await readProcess(proc, owner.pid);
    return process !== null &&
      process.startTime === owner.pidStartTime &&
      !process.isZombie
      ? "alive"
      : "dead";
  };
}

/** `run tiny-1a2b3c4d, task pretrain (process 4711 on lab3)`: for messages. */
export function describeOwner(owner: ClaimOwner): string {
  return `run ${owner.run}, task ${owner.task} (process ${owner.pid} on ${owner.host})`;
}

async function readBootId(proc: ProcReader): Promise<string | null> {
  const boot = await proc.readText("/proc/sys/kernel/random/boot_id");
  const namespace = await proc.readLink("/proc/self/ns/pid");
  return boot === null || namespace === null
    ? null
    : `${boot.trim()}/${namespace}`;
}

/** Fields 3 (state) and 22 (starttime) of proc_pid_stat(5); the name in field 2 may hold spaces and brackets. */
async function readProcess(
  proc: ProcReader,
  pid: number,
): Promise<{ readonly startTime: string; readonly isZombie: boolean } | null> {
  const text = await proc.readText(`/proc/${pid}/stat`);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, startTime] = [fields[0], fields[19]];
  if (state === undefined || startTime === undefined) return null;
  return { startTime, isZombie: state === "Z" || state === "X" };
}

async function orNull(text: Promise<string>): Promise<string | null> {
  try {
    return await text;
  } catch (thrown) {
    // ESRCH: the process ended between opening and reading.
    if (["ENOENT", "ESRCH", "EACCES"].includes(systemCode(thrown) ?? ""))
      return null;
    throw thrown;
  }
}
