/** The product as its user has it: `node src/main.ts …` in a folder, and what it leaves in the store of that folder. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { promisify } from "node:util";
import type { Plan } from "../../src/plan/plan.ts";
import type { AttemptObservation } from "../../src/run/observation.ts";
import { layout } from "../../src/store/layout.ts";
import {
  readManifest,
  type Manifest,
} from "../../src/store/artifacts/manifest.ts";
import { openStore } from "../../src/store/open-store.ts";
import { readAttempts } from "../../src/store/runs/run-attempts.ts";
import { readPlan } from "../../src/store/runs/run-records.ts";

const main = path.resolve(import.meta.dirname, "../../src/main.ts");

type AttemptEnd = NonNullable<AttemptObservation["end"]>;

export type Ended = {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};

export type Invocation = {
  readonly folder: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** Flags of node, before the program. */
  readonly nodeFlags?: readonly string[];
};

/** Runs the command line to its end. */
export async function hueline(
  args: readonly string[],
  { folder, variables = {}, nodeFlags = [] }: Invocation,
): Promise<Ended> {
  const options = {
    cwd: folder,
    env: { ...process.env, ...variables },
    maxBuffer: 64 * 2 ** 20,
  };
  try {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [...nodeFlags, main, ...args],
      options,
    );
    return { code: 0, stdout, stderr };
  } catch (thrown) {
    const { code, stdout, stderr } = thrown as Ended;
    return { code, stdout, stderr };
  }
}

/** Starts the command line, to be signalled. */
export function startHueline(args: readonly string[], folder: string) {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  const ended = once(child, "close").then(([code]) => ({
    code: code as number | null,
    output: said.join(""),
  }));
  return {
    pid: child.pid as number,
    ended,
    signal: (name: NodeJS.Signals) => child.kill(name),
    isOver: () => child.exitCode !== null || child.signalCode !== null,
  };
}

export type RunFolder = Awaited<ReturnType<typeof openRunFolder>>;

/** What a run left in the store in `folder`. */
export async function openRunFolder(folder: string, run: string) {
  const store = openStore(folder, { currentFolder: "/" });
  const plan = await readPlan(store, run);
  if (plan === null) throw new Error(`there is no run ${run} in ${folder}`);
  return {
    folder,
    run,
    plan,
    /** The only task of which this is true. */
    task(what: string, matches: (task: Plan["tasks"][number]) => boolean) {
      const found = plan.tasks.filter(matches);
      if (found.length === 1 && found[0]) return found[0];
      throw new Error(`${found.length} tasks are ${what}`);
    },
    async manifest(key: string): Promise<Manifest> {
      const manifest = await readManifest(store, key);
      if (manifest === null) throw new Error(`${key} is not committed`);
      return manifest;
    },
    async log(task: string): Promise<string> {
      const bytes = await store.read(layout.runLog(run, task));
      return new TextDecoder().decode(bytes ?? new Uint8Array());
    },
    /** How the last attempt of each task that was tried has ended. */
    async lastEnds(): Promise<ReadonlyMap<string, AttemptEnd | null>> {
      const attempts = await readAttempts(store, run);
      return new Map(
        [...attempts].map(([task, all]) => [task, all.at(-1)?.end ?? null]),
      );
    },
  };
}

/** The run that a command's `-o json` output names. */
export function runOf({ stdout }: Ended): string {
  return (JSON.parse(stdout) as { readonly run: string }).run;
}
