import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import {
  createLiveness,
  describeOwner,
  procReader,
  readOwner,
} from "../../../src/store/claims/owner.ts";
import type { ProcReader } from "../../../src/store/claims/owner.ts";

/** A machine with one process 42; `name` may hold anything, as a process may call itself. */
function machine(
  options: {
    readonly boot?: string | null;
    readonly namespace?: string;
    readonly startTime?: string | null;
    readonly state?: string;
    readonly name?: string;
  } = {},
): ProcReader {
  const { boot = "boot-1", namespace = "pid:[1]", startTime = "777" } = options;
  const { state = "S", name = "node" } = options;
  const between = Array.from({ length: 18 }, (_, i) => i + 4).join(" ");
  const files: Record<string, string | null> = {
    "/proc/sys/kernel/random/boot_id": boot && `${boot}\n`,
    "/proc/42/stat":
      startTime && `42 (${name}) ${state} ${between} ${startTime} 0 0\n`,
  };
  return {
    readText: async (path) => files[path] ?? null,
    readLink: async () => namespace,
  };
}

const asked = { host: "lab", pid: 42, run: "tiny-1", task: "pretrain" };

describe("whether an owner's process lives, seen from", () => {
  test.each<{ where: string; proc: ProcReader; host?: string; want: string }>([
    { where: "its own machine", proc: machine(), want: "alive" },
    {
      where: "its own machine, where it is stopped or sleeps",
      proc: machine({ state: "T" }),
      want: "alive",
    },
    {
      where: "its own machine, after it ended",
      proc: machine({ startTime: null }),
      want: "dead",
    },
    {
      where: "its own machine, after it ended and nobody waited for it",
      proc: machine({ state: "Z" }),
      want: "dead",
    },
    {
      where: "its own machine, when another process has its number",
      proc: machine({ startTime: "778" }),
      want: "dead",
    },
    {
      where: "another machine",
      proc: machine(),
      host: "other",
      want: "unknown",
    },
    {
      where: "a machine of the same name, booted at another time",
      proc: machine({ boot: "boot-2" }),
      want: "unknown",
    },
    {
      where: "another container of the same machine",
      proc: machine({ namespace: "pid:[2]", startTime: null }),
      want: "unknown",
    },
    {
      where: "a machine without /proc",
      proc: machine({ boot: null }),
      want: "unknown",
    },
  ])("$where: $want", async ({ proc, host = "lab", want }) => {
    const owner = await readOwner({ ...asked, proc: machine() });
    expect(await createLiveness({ host, proc })(owner)).toBe(want);
  });

  test("its own machine, when its name looks like other fields: alive", async () => {
    const proc = machine({ name: "a) Z 1 (b" });
    const owner = await readOwner({ ...asked, proc });
    expect(owner.pidStartTime).toBe("777");
    expect(await createLiveness({ host: "lab", proc })(owner)).toBe("alive");
  });
});

test("an owner made where nothing can be read is never taken for dead", async () => {
  const owner = await readOwner({ ...asked, proc: machine({ boot: null }) });
  const isOwnerAlive = createLiveness({ host: "lab", proc: machine() });
  expect(owner.bootId).toBeNull();
  expect(await isOwnerAlive(owner)).toBe("unknown");
});

test("a real process is alive until it is killed", async ({ skip }) => {
  if ((await procReader.readText("/proc/self/stat")) === null)
    return skip("this system has no /proc");
  const child = spawn("sleep", ["1000"]);
  await once(child, "spawn");
  const owner = await readOwner({ ...asked, pid: child.pid ?? 0 });
  const isOwnerAlive = createLiveness({ host: "lab" });
  expect(await isOwnerAlive(owner)).toBe("alive");
  child.kill("SIGKILL");
  await once(child, "close");
  expect(await isOwnerAlive(owner)).toBe("dead");
});

test("an owner is named so that a person finds it", async () => {
  const owner = await readOwner({ ...asked, proc: machine() });
  expect(describeOwner(owner)).toBe(
    "run tiny-1, task pretrain (process 42 on lab)",
  );
});
