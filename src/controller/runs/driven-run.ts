/**
 * A run while it is driven here: what is open for it, its steps, and the end of it. Leaving it changes nothing in the
 * cluster: its Jobs go on, and whoever drives next finds them.
 *
 * Before the first look at a manifest the plan is recorded and its artifacts are kept from `gc` (docs/design.md,
 * "Store"). What people ask of the run stands in the Run alone; the executor reads it in each step.
 */
import type { Clock } from "../../base/clock.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { createBackground } from "../../executor/background.ts";
import { createDriver } from "../../executor/driver.ts";
import type { Executor } from "../../executor/executor.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Decision, RunStatus } from "../../run/status.ts";
import type { ClaimOptions } from "../../store/claims/claims.ts";
import type { HeldClaim } from "../../store/claims/hold-claim.ts";
import type { ClaimOwner } from "../../store/claims/owner.ts";
import { keepArtifacts } from "../../store/gc/keep-artifacts.ts";
import { createRun } from "../../store/runs/run-records.ts";
import {
  readUsage,
  writeUsage,
  type RunUsage,
} from "../../store/runs/run-usage.ts";
import type { Store } from "../../store/store.ts";
import type { PlannedRun } from "./plan-run.ts";

/** How much of what was used a crash may forget, if its pods are gone too. */
const WRITE_USAGE_EVERY_MS = 60_000;

/** An executor that knows what its attempts have used. */
export type RunExecutor = Executor & {
  /** Looks after what no task waits for; beside anything else. */
  tend(plan: Plan): Promise<void>;
  usage(): RunUsage;
  /** What a person should look at although nothing has failed; one line each. */
  troubles(): readonly string[];
};

export type DrivenRunOptions = {
  readonly store: Store;
  readonly storeRun: string;
  readonly planned: PlannedRun;
  readonly lease: HeldClaim;
  readonly owner: ClaimOwner;
  readonly isOwnerAlive: ClaimOptions["isOwnerAlive"];
  readonly openExecutor: (usedBefore: RunUsage | null) => Promise<RunExecutor>;
  /** A terminal status that was recorded before and stays (F). */
  readonly latched: RunStatus | null;
  readonly clock: Clock;
  readonly log: Logger;
  /** Something may have changed that no informer tells. */
  readonly onChange: () => void;
};

export type DrivenRun = {
  readonly plan: Plan;
  /** Throws what `tendSoon` failed of, once. */
  step(): Promise<Decision>;
  /** Looks after what no task waits for, in the background. */
  tendSoon(): void;
  /** The same, and resolves when it is done. */
  tend(): Promise<void>;
  usage(): RunUsage;
  troubles(): readonly string[];
  /** Why it must be left; null: it is ours. */
  lost(): Error | null;
  /** Releases the lease; never throws. */
  close(): Promise<void>;
};

/** Opens a run whose lease was just taken; if that fails the lease is still the caller's. */
export async function openDrivenRun(
  options: DrivenRunOptions,
): Promise<DrivenRun> {
  const { store, storeRun: run, planned, lease, clock, log } = options;
  const { plan } = planned;
  await createRun(store, { run, ...planned });
  await keepArtifacts(
    { ...options, signal: lease.signal },
    { what: "run", name: run },
    plan.tasks.map(({ key }) => key),
  );
  const executor = await options.openExecutor(await readUsage(store, run));
  const usage = createUsageRecord(options, executor);
  const over = new AbortController();
  const listening = tellChanges(executor, over.signal, options.onChange);
  const driver = createDriver({
    plan,
    run,
    store,
    clock,
    log,
    executor,
    listener: () => undefined,
    previous: options.latched,
  });
  const tending = createBackground(() => executor.tend(plan), options.onChange);
  return {
    plan,
    async step() {
      tending.check();
      const decision = await driver.step();
      await usage.write({ isLast: false });
      return decision;
    },
    tendSoon: () => {
      tending.start();
    },
    async tend() {
      await tending.settled();
      await executor.tend(plan);
    },
    usage: () => executor.usage(),
    troubles: () => executor.troubles(),
    lost: () => lease.lost(),
    async close() {
      over.abort();
      await Promise.all([listening, tending.settled(), driver.settled()]);
      try {
        if (lease.lost() === null) await usage.write({ isLast: true });
        await executor.close();
      } catch (thrown) {
        log.warn(
          { reason: toError(thrown).message },
          "a run was left without its last words",
        );
      }
      await lease.release();
    },
  };
}

function createUsageRecord(
  { store, storeRun, clock }: DrivenRunOptions,
  executor: RunExecutor,
): { write(options: { readonly isLast: boolean }): Promise<void> } {
  let writtenSeconds = executor.usage().gpuSeconds;
  let writtenAtMs = clock.monotonicMs();
  return {
    async write({ isLast }) {
      const used = executor.usage();
      const isSoon = clock.monotonicMs() - writtenAtMs < WRITE_USAGE_EVERY_MS;
      if (used.gpuSeconds === writtenSeconds || (isSoon && !isLast)) return;
      await writeUsage(store, storeRun, used);
      writtenSeconds = used.gpuSeconds;
      writtenAtMs = clock.monotonicMs();
    },
  };
}

async function tellChanges(
  executor: Executor,
  signal: AbortSignal,
  onChange: () => void,
): Promise<void> {
  while (!signal.aborted) {
    await executor.changed(signal);
    if (!signal.aborted) onChange();
  }
}
