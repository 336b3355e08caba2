import { execFileSync } from "node:child_process";
import { platform } from "node:os";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";

/** Field of /proc/…/stat, counted from 1 as in proc_pid_stat(5). */
const policyField = 41;
const idlePolicy = 5;

/** The scheduling policy of a thread that ran `code` first. */
async function policyAfter(code: string): Promise<number> {
  const thread = new Worker(
    `${code}
     const { readFileSync } = await import("node:fs");
     const { parentPort } = await import("node:worker_threads");
     const stat = readFileSync("/proc/thread-self/stat", "utf8");
     // The second field is a name in parentheses, which may hold spaces.
     const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
     parentPort.postMessage(Number(fields[${policyField - 3}]));`,
    { eval: true },
  );
  try {
    return await new Promise<number>((resolve, reject) => {
      thread.once("message", resolve);
      thread.once("error", reject);
    });
  } finally {
    await thread.terminate();
  }
}

function hasChrt(): boolean {
  try {
    execFileSync("chrt", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const url = new URL("../../src/base/background-thread.ts", import.meta.url);
const yieldFirst = (path: string) =>
  `${path} const { yieldToOtherThreads } = await import(${JSON.stringify(url.href)}); yieldToOtherThreads();`;

test.skipIf(platform() !== "linux" || !hasChrt())(
  "a thread that yields runs under the idle policy, and only that thread",
  async () => {
    expect(await policyAfter(yieldFirst(""))).toBe(idlePolicy);
    expect(await policyAfter("")).not.toBe(idlePolicy);
  },
);

test.skipIf(platform() !== "linux")(
  "without the program that sets the policy, a thread goes on under its own",
  async () => {
    const own = await policyAfter("");
    const withoutPrograms = 'process.env.PATH = "/nowhere";';
    expect(await policyAfter(yieldFirst(withoutPrograms))).toBe(own);
  },
);
