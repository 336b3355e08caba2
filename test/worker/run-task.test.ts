import { describe, expect, it } from "vitest";
import {
  ExitCode,
  StoppedError,
  TransientError,
  UserError,
} from "../../src/base/errors.ts";
import type { LogFields, Logger } from "../../src/base/log.ts";
import { describeTask } from "../../src/plan/task-description.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { StageContext, StageResult } from "../../src/stages/stage.ts";
import { readArtifactFile } from "../../src/store/artifacts/artifact.ts";
import { takeClaim, type Claim } from "../../src/store/claims/claims.ts";
import { layout } from "../../src/store/layout.ts";
import {
  commitManifest,
  readManifest,
} from "../../src/store/artifacts/manifest.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { writePack } from "../../src/store/runs/run-packs.ts";
import { writeTaskDescription } from "../../src/store/runs/run-records.ts";
import type { Store } from "../../src/store/store.ts";
import { runWorker } from "../../src/worker/run-task.ts";
import type { StageTable, WorkerOptions } from "../../src/worker/work.ts";
import { checkpointAt, save, smallShapes } from "../support/checkpoints.ts";
import {
  createManualClock,
  type ManualClock,
} from "../support/manual-clock.ts";
import { buildPlan, keyOf } from "../support/plans.ts";
import { waitFor } from "../support/wait-for.ts";

type Stage = (context: StageContext) => Promise<StageResult>;
type Line = { readonly level: string; readonly message: string } & LogFields;

const plan = buildPlan({
  photos: { params: { shards: 2 } },
  pretrain: { kind: "pretrain", inputs: ["photos"], seed: 7 },
});
const writesWeights: Stage = async ({ output }) => {
  await output.write("weights.bin", Buffer.from("weights"));
  return { metrics: { loss: 0.5 } };
};
/** A process that surely runs: this one. */
const elsewhere = {
  host: "elsewhere",
  bootId: null,
  pid: 1,
  pidStartTime: null,
  run: "other",
  task: "photos",
};

function createLog(): {
  readonly log: Logger;
  readonly lines: readonly Line[];
} {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (fields: LogFields, message: string): void => {
      lines.push({ ...fields, level, message });
    };
  const log: Logger = {
    error: at("error"),
    warn: at("warn"),
    info: at("info"),
    debug: at("debug"),
    child: () => log,
  };
  return { log, lines };
}

function tableOf(stage: Stage): StageTable {
  return {
    shard: stage,
    catalog: stage,
    concat: stage,
    "label-map": stage,
    initialize: stage,
    pretrain: stage,
    finetune: stage,
    evaluate: stage,
    compare: stage,
    convert: stage,
    report: stage,
  };
}

async function describeAll(store: Store, of: Plan): Promise<void> {
  const byName = new Map(of.tasks.map((task) => [task.name, task]));
  for (const task of of.tasks)
    await writeTaskDescription(
      store,
      describeTask({ plan: of, byName, run: "r", task }),
    );
}

async function work(
  stage: Stage,
  change: {
    readonly task?: WorkerOptions["task"];
    readonly keepsTime?: boolean;
    readonly onTask?: (task: string) => void;
    readonly store?: Store;
    readonly clock?: ManualClock;
    readonly signal?: AbortSignal;
  } = {},
) {
  const { task = "photos", clock = createManualClock() } = change;
  const { keepsTime = false, onTask = () => undefined } = change;
  const store = change.store ?? createMemoryStore();
  await describeAll(store, plan);
  const { log, lines } = createLog();
  const exitCode = await runWorker({
    store,
    run: "r",
    task,
    keepsTime,
    onTask,
    engineDirectory: "/engine",
    signal: change.signal ?? new AbortController().signal,
    log,
    stages: tableOf(stage),
    facts: {
      hueline: "1.2.3",
      node: "v22",
      tensorflow: null,
      host: "here",
      pid: process.pid,
      usage: () => ({ cpuMs: 1500, peakMemoryBytes: 2 ** 20 }),
    },
    clock,
  });
  return { exitCode, store, lines, clock };
}

function errorOf(lines: readonly Line[]): Line | undefined {
  return lines.findLast(({ level }) => level === "error");
}

async function takeElsewhere(
  store: Store,
  clock: ManualClock,
  force = false,
): Promise<Claim> {
  const taken = await takeClaim(store, keyOf("photos"), elsewhere, {
    clock,
    isOwnerAlive: async () => "unknown",
    force,
  });
  if (taken.kind === "held") throw new Error("the claim is held");
  return taken.claim;
}

async function listCheckpoints(store: Store): Promise<readonly string[]> {
  const found: string[] = [];
  const folder = layout.checkpoints(keyOf("photos"));
  for await (const { path } of store.list(folder)) found.push(path);
  return found;
}

describe("a worker", () => {
  it("commits what its stage made, with who made it, and lets go of the claim", async () => {
    const { exitCode, store, clock } = await work(writesWeights);
    expect(exitCode).toBe(ExitCode.done);
    const manifest = await readManifest(store, keyOf("photos"));
    expect(manifest).toMatchObject({
      kind: "shard",
      epoch: 1,
      params: { shards: 2 },
      metrics: { loss: 0.5 },
      producer: { hueline: "1.2.3", run: "r", task: "photos", host: "here" },
      timing: { cpuMs: 1500, peakMemoryBytes: 2 ** 20 },
    });
    if (manifest === null) throw new Error("unreachable");
    const bytes = await readArtifactFile(store, manifest, "weights.bin");
    expect(Buffer.from(bytes).toString()).toBe("weights");
    expect((await takeElsewhere(store, clock)).epoch).toBe(2);
  });

  it("gives its stage the manifests of its inputs, its seed and its parameters", async () => {
    const { store } = await work(writesWeights);
    let seen: StageContext | null = null;
    const { exitCode } = await work(
      async (context) => {
        seen = context;
        return { metrics: {} };
      },
      { store, task: "pretrain" },
    );
    expect(exitCode).toBe(ExitCode.done);
    expect(seen).toMatchObject({
      seed: 7,
      inputs: { data: [{ task: "photos", manifest: { epoch: 1 } }] },
      engine: { directory: "/engine", threads: 1 },
    });
    const manifest = await readManifest(store, keyOf("pretrain"));
    expect(manifest?.inputs).toEqual({ data: [keyOf("photos")] });
  });

  it("computes nothing that is committed already", async () => {
    const { store } = await work(writesWeights);
    let calls = 0;
    const { exitCode, lines } = await work(
      async () => {
        calls++;
        return { metrics: {} };
      },
      { store },
    );
    expect(exitCode).toBe(ExitCode.done);
    expect(calls).toBe(0);
    expect(lines.at(-1)).toMatchObject({ outcome: "found committed" });
  });

  it("ends with 75 and names the holder when somebody else has the claim", async () => {
    const store = createMemoryStore();
    const clock = createManualClock();
    await takeElsewhere(store, clock);
    const { exitCode, lines } = await work(writesWeights, { store, clock });
    expect(exitCode).toBe(ExitCode.temporary);
    expect(errorOf(lines)).toMatchObject({ code: "claim.held" });
    expect(errorOf(lines)?.message).toContain("run other, task photos");
  });

  it("stops at the heartbeat that finds its claim taken over, and commits nothing", async () => {
    const store = createMemoryStore();
    const clock = createManualClock();
    const { exitCode, lines } = await work(
      async ({ signal }) => {
        await takeElsewhere(store, clock, true);
        const aborted = new Promise((resolve) => {
          signal.addEventListener("abort", resolve);
        });
        clock.advance(5000);
        await aborted;
        throw new StoppedError("stopped");
      },
      { store, clock },
    );
    expect(exitCode).toBe(ExitCode.temporary);
    expect(errorOf(lines)?.["code"]).toBe("claim.lost");
    expect(await readManifest(store, keyOf("photos"))).toBeNull();
  });

  it("commits nothing when its claim was taken over between two heartbeats", async () => {
    const store = createMemoryStore();
    const clock = createManualClock();
    const { exitCode } = await work(
      async (context) => {
        const result = await writesWeights(context);
        await takeElsewhere(store, clock, true);
        return result;
      },
      { store, clock },
    );
    expect(exitCode).toBe(ExitCode.temporary);
    expect(await readManifest(store, keyOf("photos"))).toBeNull();
  });

  it("takes the winner's result when another commit was first, says so, and removes its own files", async () => {
    const store = createMemoryStore();
    const { exitCode, lines } = await work(
      async (context) => {
        const winner = await work(writesWeights);
        const manifest = await readManifest(winner.store, keyOf("photos"));
        if (manifest === null) throw new Error("unreachable");
        await commitManifest(store, { ...manifest, epoch: 9 });
        return writesWeights(context);
      },
      { store },
    );
    expect(exitCode).toBe(ExitCode.done);
    expect(lines.at(-1)).toMatchObject({ outcome: "took another's result" });
    expect((await readManifest(store, keyOf("photos")))?.epoch).toBe(9);
    const own = layout.attempt(keyOf("photos"), 1);
    expect(await store.stat(`${own}weights.bin`)).toBeNull();
  });

  it("goes on from the checkpoint of the attempt before, and removes checkpoints after the commit", async () => {
    const store = createMemoryStore();
    const stop = new AbortController();
    const stage: Stage = async ({ checkpoints, signal }) => {
      const found = await checkpoints.newest();
      if (found === null) {
        stop.abort("SIGTERM");
        await save(checkpoints, checkpointAt(12));
        expect(signal.aborted).toBe(true);
        throw new StoppedError("stopped at step 12");
      }
      return { metrics: { resumedAt: found.step } };
    };
    const first = await work(stage, { store, signal: stop.signal });
    expect(first.exitCode).toBe(ExitCode.stopped);
    const second = await work(stage, { store });
    expect(second.exitCode).toBe(ExitCode.done);
    const manifest = await readManifest(store, keyOf("photos"));
    expect(manifest).toMatchObject({
      epoch: 2,
      metrics: { resumedAt: 12 },
      timing: { resumedAtStep: 12 },
    });
    expect(second.lines).toContainEqual(
      expect.objectContaining({ resumedAtStep: 12 }),
    );
    expect(first.lines.some((line) => "resumedAtStep" in line)).toBe(false);
    expect(second.lines).toContainEqual({
      level: "info",
      resumedAtStep: 12,
      writtenInEpoch: 1,
      message: "training continues from a checkpoint",
    });
    expect(await listCheckpoints(store)).toEqual([]);
  });

  it("does the task that its place in a pack names, and says which", async () => {
    const store = createMemoryStore();
    const byName = new Map(plan.tasks.map((task) => [task.name, task]));
    const descriptions = plan.tasks.map((task) =>
      describeTask({ plan, byName, run: "r", task }),
    );
    await writePack(store, { run: "r", pack: "p" }, descriptions);
    const told: string[] = [];
    const { exitCode } = await work(writesWeights, {
      store,
      task: { pack: "p", index: 0 },
      onTask: (task) => told.push(task),
    });
    expect(exitCode).toBe(ExitCode.done);
    expect(told).toEqual(["photos"]);
    expect(await readManifest(store, keyOf("photos"))).not.toBeNull();
  });

  it("ends for its time limit where nobody else keeps it, with a reason that counts", async () => {
    const store = createMemoryStore();
    const limited = buildPlan({ slow: { timeoutMs: 60_000 } });
    await describeAll(store, limited);
    const clock = createManualClock();
    const { exitCode, lines } = await work(
      async ({ signal }) => {
        clock.advance(60_000);
        await new Promise((resolve) => {
          signal.addEventListener("abort", resolve);
        });
        throw new StoppedError("stopped, checkpoint saved");
      },
      { store, clock, task: "slow", keepsTime: true },
    );
    expect(exitCode).toBe(ExitCode.data);
    expect(errorOf(lines)).toMatchObject({
      code: "worker.deadline",
      hint: "raise 'timeout' of the stage",
    });
  });

  it("says with its progress where it went on, how long a save takes, and that it waits for the store", async () => {
    const inner = createMemoryStore();
    await work(
      async ({ checkpoints }) => {
        await save(checkpoints, checkpointAt(12));
        throw new StoppedError("stopped at step 12");
      },
      { store: inner },
    );
    const clock = createManualClock();
    let failures = 0;
    const store: Store = {
      ...inner,
      put: async (path, bytes) => {
        if (path.startsWith("ckpt/") && !path.endsWith("manifest.json")) {
          clock.advance(700);
          if (failures++ === 0)
            throw new TransientError({ code: "net", message: "gone" });
        }
        await inner.put(path, bytes);
      },
    };
    const { lines } = await work(
      async ({ checkpoints, progress }) => {
        await checkpoints.newest();
        progress({ step: 20, steps: 40, detail: "loss 1" });
        checkpoints.prepare(smallShapes);
        const saving = await checkpoints.save(checkpointAt(20));
        await waitFor("the save to wait", () =>
          clock.sleeps().includes(1000) ? true : null,
        );
        clock.advance(1000);
        await saving.written;
        progress({ step: 40, steps: 40, detail: "loss 0" });
        return { metrics: {} };
      },
      { store, clock },
    );
    expect(lines.flatMap((line) => line["progress"] ?? [])).toEqual([
      {
        step: 20,
        steps: 40,
        detail: "loss 1, resumed at step 12",
        resumedAtStep: 12,
      },
      {
        step: 20,
        steps: 40,
        detail: "waiting for the store: gone",
        resumedAtStep: 12,
      },
      {
        step: 40,
        steps: 40,
        detail: "loss 0, resumed at step 12",
        resumedAtStep: 12,
        saveMs: 3800,
      },
    ]);
    expect(lines).toContainEqual({
      level: "info",
      checkpointStep: 20,
      saveMs: 3800,
      sizeBytes: 247,
      message: "a checkpoint was written",
    });
  });

  it("clears the checkpoints of a worker that was killed after its commit and before it could", async () => {
    const store = createMemoryStore();
    const killed: Store = {
      ...store,
      remove: async () => {
        throw new TransientError({ code: "killed", message: "killed" });
      },
    };
    const stage: Stage = async ({ checkpoints }) => {
      await save(checkpoints, checkpointAt(12));
      return { metrics: {} };
    };
    await work(stage, { store: killed });
    expect(await listCheckpoints(store)).toHaveLength(4);
    const { exitCode, lines } = await work(stage, { store });
    expect(exitCode).toBe(ExitCode.done);
    expect(lines.at(-1)).toMatchObject({ outcome: "found committed" });
    expect(await listCheckpoints(store)).toEqual([]);
  });

  it("is done once it has committed, even if it can clear nothing away afterwards", async () => {
    const inner = createMemoryStore();
    let isFull = false;
    const refuse = (): void => {
      if (isFull)
        throw new UserError({ code: "store.read-only", message: "read-only" });
    };
    const store: Store = {
      ...inner,
      putIfAbsent: async (path, bytes) => {
        const outcome = await inner.putIfAbsent(path, bytes);
        isFull = path === layout.manifest(keyOf("photos"));
        return outcome;
      },
      swap: async (...parameters) => {
        refuse();
        return inner.swap(...parameters);
      },
      remove: async (path) => {
        refuse();
        return inner.remove(path);
      },
    };
    const { exitCode, lines } = await work(
      async (context) => {
        await save(context.checkpoints, checkpointAt(1));
        return writesWeights(context);
      },
      { store },
    );
    expect(exitCode).toBe(ExitCode.done);
    const warnings = lines.filter(({ level }) => level === "warn");
    expect(warnings).toHaveLength(2);
    expect(warnings.every((line) => line["reason"] === "read-only")).toBe(true);
  });

  it("counts an abort error as stopped when it was told to stop", async () => {
    const stop = new AbortController();
    const { exitCode } = await work(
      async ({ signal }) => {
        stop.abort();
        signal.throwIfAborted();
        return { metrics: {} };
      },
      { signal: stop.signal },
    );
    expect(exitCode).toBe(ExitCode.stopped);
  });

  it("waits for inputs that are not there yet by ending with 75", async () => {
    const { exitCode, lines } = await work(writesWeights, { task: "pretrain" });
    expect(exitCode).toBe(ExitCode.temporary);
    expect(errorOf(lines)?.["code"]).toBe("worker.input-missing");
  });

  it.each([
    [
      "bad data with 65, and says what to try",
      new UserError({
        code: "data.none",
        message: "no photographs",
        hint: "add some",
      }),
      ExitCode.data,
      { code: "data.none", hint: "add some", message: "no photographs" },
    ],
    [
      "a store that is busy with 75",
      new TransientError({ code: "store.busy", message: "busy" }),
      ExitCode.temporary,
      { code: "store.busy", message: "busy" },
    ],
    [
      "a bug with 70 and its stack",
      new TypeError("x is undefined"),
      ExitCode.bug,
      { code: "worker.bug", message: "TypeError: x is undefined" },
    ],
  ])(
    "reports %s, releases the claim, and summarizes before its last words",
    async (_, thrown, wantCode, wantLine) => {
      const { exitCode, lines, store, clock } = await work(async () => {
        throw thrown;
      });
      expect(exitCode).toBe(wantCode);
      expect(lines.at(-2)).toMatchObject({ outcome: "not done" });
      expect(lines.at(-1)).toMatchObject({ level: "error", ...wantLine });
      expect((await takeElsewhere(store, clock)).epoch).toBe(2);
    },
  );

  it("ends with 65 when nobody described its task", async () => {
    const { exitCode, lines } = await work(writesWeights, { task: "nothing" });
    expect(exitCode).toBe(ExitCode.data);
    expect(errorOf(lines)?.["code"]).toBe("run.no-task");
  });

  it("reports progress at most once a second, and the last step always", async () => {
    const clock = createManualClock();
    const { lines } = await work(
      async ({ progress }) => {
        for (let step = 1; step <= 100; step++) {
          progress({ step, steps: 100, detail: "" });
          clock.advance(100);
        }
        return { metrics: {} };
      },
      { clock },
    );
    const steps = lines
      .filter(({ message }) => message === "progress")
      .map((line) => (line["progress"] as { readonly step: number }).step);
    expect(steps).toEqual([1, 11, 21, 31, 41, 51, 61, 71, 81, 91, 100]);
    expect(lines.at(-1)).toMatchObject({ outcome: "committed", steps: 100 });
  });

  it("counts the bytes that it read and wrote", async () => {
    const { lines } = await work(async ({ output }) => {
      await output.write("weights.bin", new Uint8Array(100_000));
      return { metrics: {} };
    });
    const summary = lines.at(-1);
    expect(summary?.["bytesWritten"]).toBeGreaterThan(100_000);
    expect(summary?.["bytesWritten"]).toBeLessThan(110_000);
    expect(summary?.["bytesRead"]).toBeGreaterThan(0);
  });

  it("counts what the threads of a loader read from the store, which they open themselves", async () => {
    const quiet = await work(() => Promise.resolve({ metrics: {} }));
    const { lines } = await work(({ loader }) => {
      loader.fetched(1_000_000);
      loader.fetched(234);
      return Promise.resolve({ metrics: {} });
    });
    const readBy = (of: readonly Line[]) => of.at(-1)?.["bytesRead"];
    expect(readBy(lines)).toBe(Number(readBy(quiet.lines)) + 1_000_234);
  });
});
