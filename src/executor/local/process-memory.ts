/**
 * How much memory a process used at most, and whether the kernel killed for want of memory: from `/proc` and the
 * cgroup, for the reason of a killed attempt. Where the system does not tell (another system, a sandbox), the answer
 * is null and the reason says less; it never guesses.
 */
import { readFile } from "node:fs/promises";

export type MemoryProbe = {
  /** Bytes that the live process `pid` has held at most (VmHWM); null: not known. */
  peakBytes(pid: number): Promise<number | null>;
  /** How many processes the kernel has killed for memory, here or in our cgroup: only differences mean something. */
  oomKills(): Promise<number | null>;
};

export type ReadText = (path: string) => Promise<string | null>;

/** Absent or unreadable files are an answer: this system does not tell. */
const readSystemFile: ReadText = async (path) => {
  try {
    return await readFile(path, "utf8");
  } catch {
    return null;
  }
};

export function createMemoryProbe(
  read: ReadText = readSystemFile,
): MemoryProbe {
  return {
    async peakBytes(pid) {
      const status = await read(`/proc/${pid}/status`);
      const [, kibibytes] = /^VmHWM:\s+(\d+) kB/m.exec(status ?? "") ?? [];
      return kibibytes === undefined ? null : Number(kibibytes) * 1024;
    },
    async oomKills() {
      for (const path of await counterFiles(read)) {
        const [, kills] =
          /^oom_kill\s+(\d+)$/m.exec((await read(path)) ?? "") ?? [];
        if (kills !== undefined) return Number(kills);
      }
      return null;
    },
  };
}

/** The narrowest first: our cgroup (version 2, then 1), then the machine. */
async function counterFiles(read: ReadText): Promise<readonly string[]> {
  const cgroups = (await read("/proc/self/cgroup")) ?? "";
  const [, unified] = /^0::(\/.*)$/m.exec(cgroups) ?? [];
  const [, memory] =
    /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m.exec(cgroups) ?? [];
  return [
    ...(unified ? [`/sys/fs/cgroup${unified}/memory.events`] : []),
    ...(memory ? [`/sys/fs/cgroup/memory${memory}/memory.oom_control`] : []),
    "/proc/vmstat",
  ];
}
