/**
 * Kills a run, a worker, or both, at random moments, resumes, and compares every byte with an undisturbed run
 * (invariant H): files of all artifacts by SHA-256, metrics, and the report. Also counts the steps that were computed
 * twice, which may not exceed those since the last checkpoint.
 *
 *   node bench/kill-resume.ts [--times 30] [--seed 1] [--pipeline FILE] [-p name=value …] [--store s3]
 *
 * `--pipeline bench/kill-resume-photos.yaml -p source=FOLDER` reads crops of photographs through the loader. `--store s3` keeps
 * everything on an S3 server of its own (installed into the cache when it is first used); any other URL is a prefix below
 * which each run gets a store. Prints one JSON line per kill and a summary; exits with 1 if a single byte differs.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { uniform } from "../src/base/random.ts";
import { readManifest } from "../src/store/artifacts/manifest.ts";
import { openStore } from "../src/store/open-store.ts";
import type { Store } from "../src/store/store.ts";
import { openRealBucket } from "../test/support/real-bucket.ts";

const root = path.resolve(import.meta.dirname, "..");
const { values } = parseArgs({
  options: {
    times: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
    pipeline: {
      type: "string",
      default: path.join(import.meta.dirname, "kill-resume.yaml"),
    },
    param: { type: "string", short: "p", multiple: true, default: [] },
    store: { type: "string", default: "" },
  },
});
const pipeline = path.resolve(values.pipeline);
const pipelineParams = values.param.flatMap((param) => ["-p", param]);
const times = Number(values.times);
const seed = Number(values.seed);
const victims = ["run", "worker", "both"] as const;

function startRun(store: string): ChildProcess {
  return spawn(
    process.execPath,
    [
      path.join(root, "src/main.ts"),
      "run",
      pipeline,
      "--store",
      store,
      ...pipelineParams,
    ],
    {
      cwd: root,
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
}

/** Exit code of a run that nobody disturbs, and its last words. */
async function finish(
  child: ChildProcess,
): Promise<{ code: number | null; stderr: string }> {
  let stderr = "";
  child.stderr?.on("data", (bytes: Buffer) => {
    stderr = (stderr + bytes.toString()).slice(-2000);
  });
  const [code] = (await once(child, "exit")) as [number | null];
  return { code, stderr };
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return text
      .split(" ")
      .filter((part) => part !== "")
      .map(Number);
  } catch {
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself in between.
  }
}

/** Everything that must be the same: key → files and metrics. */
async function fingerprint(store: Store): Promise<ReadonlyMap<string, string>> {
  const all = new Map<string, string>();
  for (const key of await store.listFolders("cas/")) {
    const manifest = await readManifest(store, key);
    // Not committed: another part of the run was killed and never needed it.
    if (manifest === null) continue;
    const { kind, files, metrics } = manifest;
    all.set(key, JSON.stringify({ kind, metrics, files }));
  }
  return all;
}

function differences(
  wanted: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, string>,
): string[] {
  const keys = new Set([...wanted.keys(), ...found.keys()]);
  return [...keys].filter((key) => wanted.get(key) !== found.get(key));
}

type LogLine = {
  readonly progress?: { readonly step: number };
  readonly resumedAtStep?: number;
};

/** Steps that were computed more than once, per task, and the most that one resumption cost. */
async function recomputed(
  store: Store,
): Promise<{ total: number; worst: number }> {
  let total = 0;
  let worst = 0;
  for await (const { path: object } of store.list("runs/")) {
    if (!/\/logs\/[^/]+\.log$/.test(object)) continue;
    const log = new TextDecoder().decode(
      (await store.read(object)) ?? new Uint8Array(),
    );
    let reached = 0;
    for (const line of log.split("\n")) {
      const parsed = parseLine(line);
      if (parsed?.resumedAtStep !== undefined) {
        const again = Math.max(0, reached - parsed.resumedAtStep);
        total += again;
        worst = Math.max(worst, again);
      }
      reached = Math.max(reached, parsed?.progress?.step ?? 0);
    }
  }
  return { total, worst };
}

function parseLine(line: string): LogLine | null {
  if (!line.startsWith("{")) return null;
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return null; // Cut off by a kill.
  }
}

const folder = mkdtempSync(path.join(tmpdir(), "hueline-kill-"));
const bucket = values.store === "s3" ? await openRealBucket(folder) : null;
// The program and this one read the same configuration.
if (bucket) Object.assign(process.env, bucket.variables());
const base = bucket?.url ?? (values.store || folder);
const urlOf = (name: string): string => `${base}/${name}`;

/** Looks into a store, and lets go of it. */
async function inStore<T>(
  name: string,
  look: (store: Store) => Promise<T>,
): Promise<T> {
  return await look(openStore(urlOf(name), { currentFolder: root }));
}

let different = 0;
let worstSteps = 0;
try {
  const before = performance.now();
  const { code, stderr } = await finish(startRun(urlOf("calm")));
  if (code !== 0)
    throw new Error(`the undisturbed run ended with ${code}: ${stderr}`);
  const calmMs = performance.now() - before;
  const wanted = await inStore("calm", fingerprint);
  console.log(
    JSON.stringify({
      undisturbedMs: Math.round(calmMs),
      artifacts: wanted.size,
    }),
  );

  for (let index = 0; index < times; index++) {
    const name = `killed-${index}`;
    const store = urlOf(name);
    const victim = victims[index % victims.length] ?? "both";
    const killAtMs = 300 + uniform(seed, index) * calmMs;
    const child = startRun(store);
    const end = finish(child);
    await Promise.race([end, delay(killAtMs)]);
    const workers = childrenOf(child.pid ?? 0);
    const killed = child.exitCode === null ? workers.length : -1;
    if (victim !== "run") for (const pid of workers) kill(pid);
    if (victim !== "worker") kill(child.pid ?? 0);
    let last = await end;
    let starts = 1;
    while (last.code !== 0 && starts < 5) {
      last = await finish(startRun(store));
      starts++;
    }
    if (last.code !== 0)
      throw new Error(`kill ${index}: never finished: ${last.stderr}`);
    const differ = differences(wanted, await inStore(name, fingerprint));
    const { total, worst } = await inStore(name, recomputed);
    different += differ.length;
    worstSteps = Math.max(worstSteps, worst);
    console.log(
      JSON.stringify({
        index,
        victim,
        killAtMs: Math.round(killAtMs),
        workers: killed,
        starts,
        stepsAgain: total,
        differ,
      }),
    );
    if (!values.store) rmSync(store, { recursive: true, force: true });
  }
} finally {
  await bucket?.close();
  rmSync(folder, { recursive: true, force: true });
}
console.log(
  JSON.stringify({
    kills: times,
    differentArtifacts: different,
    mostStepsAgainAfterOneKill: worstSteps,
  }),
);
process.exitCode = different === 0 ? 0 : 1;
