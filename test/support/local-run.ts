/** Runs of counting tasks in processes of their own, in a folder of their own: start, watch, kill. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { systemCode } from "../../src/base/errors.ts";
import type { DriveEvent } from "../../src/executor/drive.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { RunStatus } from "../../src/run/status.ts";
import { readArtifactFile } from "../../src/store/artifacts/artifact.ts";
import { createFileStore } from "../../src/store/fs.ts";
import { readManifest } from "../../src/store/artifacts/manifest.ts";
import type { Store } from "../../src/store/store.ts";
import type { CountingParams } from "./counting-stage.ts";
import { buildPlan, type TaskSketch } from "./plans.ts";
import { waitFor } from "./wait-for.ts";

export type TraceLine = {
  readonly task: string;
  readonly step: string;
  readonly pid: number;
};

export type Driver = {
  readonly process: ChildProcess;
  readonly events: readonly DriveEvent[];
  /** The status that it ended with; throws if it ended without one. */
  readonly ended: Promise<RunStatus>;
  /** kill -9, and wait until it is gone. */
  kill(): Promise<void>;
};

export type LocalRuns = {
  readonly store: Store;
  plan(
    sketches: Readonly<Record<string, TaskSketch>>,
    params?: Partial<CountingParams>,
  ): Plan;
  start(plan: Plan, run: string): Driver;
  /** For `params.gate`: tasks that have it wait at step 5 until `openGate`. */
  readonly gate: string;
  openGate(): void;
  trace(): readonly TraceLine[];
  /** Waits until that many steps were computed. */
  untilSteps(count: number): Promise<void>;
  /** The result of a task. */
  result(plan: Plan, task: string): Promise<string>;
};

const DRIVER = fileURLToPath(new URL("counting-driver.ts", import.meta.url));

export function createLocalRuns(folder: string): LocalRuns {
  const directory = path.join(folder, "store");
  const store = createFileStore({ directory });
  const gate = path.join(folder, "gate");
  const tracePath = path.join(folder, "trace.txt");
  const trace = (): readonly TraceLine[] =>
    readIfThere(tracePath)
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [task = "", step = "", pid = ""] = line.split(" ");
        return { task, step, pid: Number(pid) };
      });
  let plans = 0;
  return {
    store,
    trace,
    gate,
    openGate() {
      writeFileSync(gate, "");
    },
    plan(sketches, params) {
      const counting = { steps: 60, every: 10, trace: tracePath, ...params };
      const entries = Object.entries(sketches).map(
        ([name, sketch]) =>
          [
            name,
            { ...sketch, params: { ...counting, ...sketch.params } },
          ] as const,
      );
      return buildPlan(Object.fromEntries(entries));
    },
    start(plan, run) {
      const planPath = path.join(folder, `plan-${plans++}.json`);
      writeFileSync(planPath, JSON.stringify(plan));
      const url = pathToFileURL(directory).href;
      return startDriver(["--store", url, "--run", run, "--plan", planPath]);
    },
    async untilSteps(count) {
      await waitFor(`step ${count}`, () =>
        trace().length >= count ? true : null,
      );
    },
    async result(plan, task) {
      const key = plan.tasks.find(({ name }) => name === task)?.key ?? "";
      const manifest = await readManifest(store, key);
      if (manifest === null) throw new Error(`'${task}' is not committed`);
      const bytes = await readArtifactFile(store, manifest, "state.bin");
      return Buffer.from(bytes).toString("hex");
    },
  };
}

function startDriver(args: readonly string[]): Driver {
  const child = spawn(process.execPath, [DRIVER, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const events: DriveEvent[] = [];
  const errors: string[] = [];
  let last: RunStatus | null = null;
  let rest = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = JSON.parse(line) as
        DriveEvent | { readonly kind: "ended"; readonly status: RunStatus };
      if (event.kind === "ended") last = event.status;
      else events.push(event);
    }
  });
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk.toString()));
  const closed = once(child, "close");
  const ended = closed.then(() => {
    if (last !== null) return last;
    throw new Error(`the driver ended without a status: ${errors.join("")}`);
  });
  // Not everybody waits for the end of a driver that is killed.
  ended.catch(() => undefined);
  return {
    process: child,
    events,
    ended,
    async kill() {
      child.kill("SIGKILL");
      await closed;
    },
  };
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return "";
    throw thrown;
  }
}
