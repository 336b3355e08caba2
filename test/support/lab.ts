/**
 * What only a lab of one machine allows: killing processes of pods, stopping a node, restarting the API server. See
 * `scripts/cluster/lab.ts`, which says where the lab is by environment variables.
 */
import { execFile, spawn } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { openSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { waitFor } from "./wait-for.ts";

const execute = promisify(execFile);

/** Why there is no lab; null: there is. */
export const whyNoLab: string | null =
  process.env["LAB_SH"] === undefined
    ? "only in the lab that `npm run test:cluster` starts"
    : null;

/** The node that the lab begins with. */
export const FIRST_NODE = "lab-node";

/** Calls `lab.sh`, inside the lab's own network as outside of it: `node 2`, `stop-node 2`. */
export async function lab(...words: readonly string[]): Promise<string> {
  const program = process.env["LAB_SH"] ?? "";
  const { stdout } = await execute(program, words, { maxBuffer: 2 ** 24 });
  return stdout;
}

/** SIGKILL for what runs in the pods of these uids: the lab's nodes are this machine, its cgroups name the pods. */
export async function killProcesses(podUid: string): Promise<void> {
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const cgroup = await readProcess(pid, "cgroup");
    const command = await readProcess(pid, "cmdline");
    if (cgroup.includes(podUid) && command.includes("main.js"))
      process.kill(Number(pid), "SIGKILL");
  }
}

/** Empty for a process that has ended meanwhile. */
async function readProcess(pid: string, file: string): Promise<string> {
  return await readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
}

/** Kills it, leaves it away for `downMs`, and starts it as it was. */
export async function restartApiServer(downMs: number): Promise<void> {
  const folder = process.env["LAB"] ?? "";
  const pidFile = path.join(folder, "pid/kube-apiserver");
  const pid = (await readFile(pidFile, "utf8")).trim();
  const words = (await readProcess(pid, "cmdline")).split("\0");
  const [program = "", ...args] = words.slice(0, -1);
  process.kill(Number(pid), "SIGKILL");
  await waitFor("the end of the API server", async () =>
    (await readProcess(pid, "cmdline")) === "" ? true : null,
  );
  await new Promise((resolve) => setTimeout(resolve, downMs));
  const log = openSync(path.join(folder, "log/kube-apiserver.log"), "a");
  const child = spawn(program, args, {
    detached: true,
    stdio: ["ignore", log, log],
  });
  child.unref();
  await writeFile(pidFile, `${child.pid}\n`);
  await waitFor(
    "an API server that is ready",
    async () =>
      await execute("kubectl", ["get", "--raw", "/readyz"]).then(
        () => true,
        () => null,
      ),
    60_000,
    500,
  );
}
