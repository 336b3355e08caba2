/** A store with runs, artifacts and what they leave behind, and sweeps and runs that meet in it. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import { layout } from "../../src/store/layout.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { readManifest } from "../../src/store/artifacts/manifest.ts";
import type { ClaimOwner } from "../../src/store/claims/owner.ts";
import { keepArtifacts } from "../../src/store/gc/keep-artifacts.ts";
import { planSweep, type SweepPolicy } from "../../src/store/gc/plan-sweep.ts";
import { surveyStore } from "../../src/store/gc/survey.ts";
import { sweep } from "../../src/store/gc/sweep.ts";
import { createRun, takeRunLease } from "../../src/store/runs/run-records.ts";
import type { Store } from "../../src/store/store.ts";
import { keepPipeline } from "../../src/store/submitted-pipelines.ts";
import { commitArtifact } from "./manifests.ts";
import { buildPlan, keyOf } from "./plans.ts";

export const hour = 3_600_000;
export const day = 24 * hour;

export const keepEverything: SweepPolicy = {
  graceMs: day,
  keepRuns: null,
  olderThanMs: null,
  maxSizeBytes: null,
};

/** Time that a test moves; short sleeps are one turn of the loop, long ones last until they are aborted. */
export function createTestClock(startMs: number): Clock & {
  advance(ms: number): void;
} {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    async sleep(ms, signal) {
      await nextTurn();
      if (ms < 1000 || signal === undefined || signal.aborted) return;
      await new Promise((resolve) => {
        signal.addEventListener("abort", resolve, { once: true });
      });
    },
    advance(ms) {
      nowMs += ms;
    },
  };
}

export type World = ReturnType<typeof createWorld>;

/** Everything that is written now is two days old once `age` is called. */
export function createWorld() {
  const clock = createTestClock(100 * day);
  const store = createMemoryStore({ clock });
  const owner = (run: string): ClaimOwner => ({
    host: "lab",
    bootId: "boot",
    pid: 1,
    pidStartTime: "1",
    run,
    task: "t",
  });
  /** Whoever has not been killed is alive. */
  const dead = new Set<string>();
  const options = (run: string) => ({
    clock,
    log: silentLogger,
    signal: new AbortController().signal,
    owner: owner(run),
    isOwnerAlive: async ({ run: other }: ClaimOwner) =>
      dead.has(other) ? ("dead" as const) : ("alive" as const),
  });
  return {
    clock,
    store,
    dead,
    options,
    age: () => {
      clock.advance(2 * day);
    },
    commit: (name: string, values: { epoch?: number } = {}) =>
      commitArtifact(
        store,
        { key: keyOf(name), ...values },
        { "a.bin": new Uint8Array(10), "b.bin": new Uint8Array(20) },
      ),
    record: (
      run: string,
      names: readonly string[],
      view: Store = store,
      pipelineText = "x",
    ) =>
      createRun(view, {
        run,
        pipelineText,
        plan: buildPlan(Object.fromEntries(names.map((name) => [name, {}]))),
      }),
    /** A pipeline file by way of the store, as `hueline submit` sends a large one. */
    submit: (
      text: string,
      more: { readonly pinnedFor?: string; readonly view?: Store } = {},
    ) =>
      keepPipeline(more.view ?? store, new TextEncoder().encode(text), {
        ...options("submit"),
        pinnedFor: more.pinnedFor ?? null,
      }),
    async sweep(
      policy: Partial<SweepPolicy> = {},
      view: Store = store,
      run = "gc",
    ) {
      const all = { ...keepEverything, ...policy };
      const survey = await surveyStore(view, options(run));
      const plan = planSweep(survey, all, clock.now());
      return await sweep(plan, survey.runs, {
        ...options(run),
        store: view,
        cutoffMs: clock.now() - all.graceMs,
      });
    },
    /** What a run does before it relies on a manifest; whether it then finds the artifact. */
    async use(run: string, name: string, view: Store = store) {
      const plan = buildPlan({ [name]: {} });
      await createRun(view, { run, pipelineText: "x", plan });
      const user = { what: "run", name: run } as const;
      await keepArtifacts({ ...options(run), store: view }, user, [
        keyOf(name),
      ]);
      return (await readManifest(view, keyOf(name))) !== null;
    },
    /** The same of a run that is recorded: its driver has the run's lease before it looks, and says something. */
    async resume(run: string, name: string, view: Store = store) {
      const { owner: us } = options(run);
      for (;;) {
        const lease = await takeRunLease(view, run, us, options(run));
        if (lease.kind === "held") {
          await nextTurn();
          continue;
        }
        const found = await this.use(run, name, view);
        await view.put(`runs/${run}/logs/driver.log`, new Uint8Array(1));
        await lease.claim.release();
        return found;
      }
    },
    /** Whether an artifact is there with all its files, gone with all of them, or neither. */
    async stateOf(name: string): Promise<"whole" | "gone" | "torn"> {
      const key = keyOf(name);
      const manifest = await readManifest(store, key);
      const paths: string[] = [];
      for await (const { path } of store.list(`cas/${key}/`)) paths.push(path);
      if (manifest === null) return paths.length === 0 ? "gone" : "torn";
      const prefix = layout.attempt(key, manifest.epoch);
      return manifest.files.every(({ path }) => paths.includes(prefix + path))
        ? "whole"
        : "torn";
    },
  };
}

export async function pathsUnder(store: Store, prefix: string) {
  const paths: string[] = [];
  for await (const { path } of store.list(prefix)) paths.push(path);
  return paths;
}
