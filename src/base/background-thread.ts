/**
 * Puts a thread behind all others: it runs where a core has nothing else to do, and gives way at once to a thread that wakes up.
 *
 * Linux has a priority for each thread, elsewhere it would be the process's, so elsewhere nothing happens. A low niceness alone
 * still leaves a thread its slice, for which the event loop of the training waits up to 10 ms where cores are few; the idle policy
 * (sched(7)) does not. Node sets niceness only, so the policy is set by `chrt` of util-linux; where that is missing or may not, the
 * niceness stands.
 */
import { execFileSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { constants, platform, setPriority } from "node:os";

/** Puts the calling thread behind the others, as far as the system lets it. Blocks it for some milliseconds. */
export function yieldToOtherThreads(): void {
  if (platform() !== "linux") return;
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  try {
    // "PID/task/TID"
    const thread = readlinkSync("/proc/thread-self").split("/").at(-1) ?? "";
    execFileSync("chrt", ["--idle", "--pid", "0", thread], { stdio: "ignore" });
  } catch {
    // The niceness stands.
  }
}
