import { describe, expect, it } from "vitest";
import { createMemoryProbe } from "../../../src/executor/local/process-memory.ts";

const probe = (files: Readonly<Record<string, string>>) =>
  createMemoryProbe(async (path) => files[path] ?? null);

describe("the memory probe", () => {
  it("reads the peak of a process in bytes", async () => {
    const status =
      "Name:\tnode\nVmPeak:\t 900000 kB\nVmHWM:\t  204800 kB\nVmRSS:\t 100 kB\n";
    expect(await probe({ "/proc/7/status": status }).peakBytes(7)).toBe(
      204800 * 1024,
    );
  });

  it("does not know the peak of a process that is gone", async () => {
    expect(await probe({}).peakBytes(7)).toBeNull();
  });

  it.each([
    [
      "its cgroup of version 2",
      {
        "/proc/self/cgroup": "0::/user/run\n",
        "/sys/fs/cgroup/user/run/memory.events":
          "low 0\noom 3\noom_kill 2\noom_group_kill 0\n",
        "/proc/vmstat": "oom_kill 9\n",
      },
      2,
    ],
    [
      "its cgroup of version 1",
      {
        "/proc/self/cgroup": "5:devices:/\n4:cpu,memory:/box\n0::/\n",
        "/sys/fs/cgroup/memory/box/memory.oom_control":
          "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n",
      },
      4,
    ],
    ["the machine", { "/proc/vmstat": "nr_free_pages 1\noom_kill 9\n" }, 9],
    ["nothing: it is not told", {}, null],
  ])("takes the kernel's count of kills from %s", async (_, files, want) => {
    expect(await probe(files).oomKills()).toBe(want);
  });

  it("reads this very process on Linux", async () => {
    const peak = await createMemoryProbe().peakBytes(process.pid);
    expect(peak).toBeGreaterThan(10 * 2 ** 20);
  });
});
