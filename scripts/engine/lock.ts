/**
 * One builder at a time per engine, and nothing left behind by those that were killed.
 *
 * The lock is a symbolic link whose target names the owner: made in one step, with its content, or not at all. A lock
 * whose owner is dead is taken over. Two processes that take over at the same instant may both build; that costs time
 * and nothing else, because an engine appears by one atomic rename (see build.ts) and never by the lock.
 *
 *   A  An owner is (process id, its start time, machine): a reused process id is not mistaken for the owner.
 *   B  An owner on another machine or in another container cannot be looked up: it counts as alive while it touches
 *      its lock, which it does every few seconds.
 */
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import {
  lstat,
  lutimes,
  readdir,
  readlink,
  rm,
  symlink,
  unlink,
} from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { systemCode } from "../../src/base/errors.ts";

const TOUCH_MS = 5_000;
const FOREIGN_STALE_MS = 60_000;
const FOREIGN_BUILD_MS = 3_600_000;
const POLL_MS = 300;
const OWNER = /^(?<pid>\d+)-(?<start>\d+)-(?<machine>[0-9a-f]{12})$/;

/** `<pid>-<start time in clock ticks>-<machine>` (invariant A); safe in a file name. */
export function ownerOfThisProcess(): string {
  return `${process.pid}-${startTicks(process.pid) ?? 0}-${machineId()}`;
}

function machineId(): string {
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8");
  return createHash("sha256")
    .update(boot + readlinkSync("/proc/self/ns/pid"))
    .digest("hex")
    .slice(0, 12);
}

/** Field 22 of /proc/<pid>/stat; null when there is no such process (a zombie counts as none). */
function startTicks(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? null : (fields[19] ?? null);
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT" || systemCode(thrown) === "ESRCH")
      return null;
    throw thrown;
  }
}

/** Whether the process that `owner` names still runs; `touchedMs` is the age of its last sign of life (invariant B). */
function isAlive(owner: string, touchedMs: number): boolean {
  const match = OWNER.exec(owner)?.groups;
  if (match === undefined) return false;
  if (match["machine"] !== machineId()) return touchedMs < FOREIGN_STALE_MS;
  return startTicks(Number(match["pid"])) === match["start"];
}

export type Lock = { release(): Promise<void> };

export type LockOptions = {
  /** Called while another process holds the lock, with its process id. */
  readonly onWait: (pid: string) => void;
  readonly signal: AbortSignal;
};

/** Takes the lock at `path`, waiting for a living owner. */
export async function takeLock(
  path: string,
  { onWait, signal }: LockOptions,
): Promise<Lock> {
  const owner = ownerOfThisProcess();
  for (;;) {
    signal.throwIfAborted();
    if (await tryLock(path, owner)) return holdLock(path, owner);
    const holder = await readLock(path);
    if (holder === null) continue;
    if (isAlive(holder.owner, holder.touchedMs)) {
      onWait(holder.owner.split("-")[0] ?? "?");
      await delay(POLL_MS, undefined, { signal });
    } else if ((await readLock(path))?.owner === holder.owner) {
      await unlinkIfThere(path);
    }
  }
}

async function tryLock(path: string, owner: string): Promise<boolean> {
  try {
    await symlink(owner, path);
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === "EEXIST") return false;
    throw thrown;
  }
}

async function readLock(
  path: string,
): Promise<{ readonly owner: string; readonly touchedMs: number } | null> {
  try {
    const owner = await readlink(path);
    return { owner, touchedMs: Date.now() - (await lstat(path)).mtimeMs };
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return null;
    throw thrown;
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (thrown) {
    if (systemCode(thrown) !== "ENOENT") throw thrown;
  }
}

function holdLock(path: string, owner: string): Lock {
  const touching = setInterval(() => {
    const now = new Date();
    // A lock that somebody else took over or removed is theirs: nothing to keep alive.
    lutimes(path, now, now).catch(() => clearInterval(touching));
  }, TOUCH_MS);
  touching.unref();
  return {
    async release() {
      clearInterval(touching);
      if ((await readLock(path))?.owner === owner) await unlinkIfThere(path);
    },
  };
}

const SCRATCH = /^\.(?:build|old)-(?<owner>[0-9a-f-]+)$/;

/** The folder in which this process builds; beside the result, so that the last step is a rename. */
export function scratchFolder(root: string, kind: "build" | "old"): string {
  return join(root, `.${kind}-${ownerOfThisProcess()}`);
}

/** Removes the scratch folders of dead processes below `root`. */
export async function sweepScratch(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const owner = SCRATCH.exec(name)?.groups?.["owner"];
    if (owner === undefined) continue;
    const path = join(root, name);
    const idleMs = Date.now() - (await lstat(path)).mtimeMs;
    // A foreign builder touches its lock, not its folder: give it an hour.
    if (!isAlive(owner, idleMs - FOREIGN_BUILD_MS))
      await rm(path, { recursive: true, force: true });
  }
}
