/**
 * One driver per run: who has the run's lease drives it, everybody else follows its status until it ends, and takes
 * over if the driver is gone. The lease is a claim with the same fencing as a task's (docs/design.md, "Store").
 *
 * Who starts a run that ended in failure asks for its failed tasks afresh, and takes back a cancel; who takes over from
 * a dead driver only goes on with what that one was asked to do.
 */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Plan } from "../plan/plan.ts";
import { noControl } from "../run/observation.ts";
import { reconcile } from "../run/reconcile.ts";
import type { RunStatus } from "../run/status.ts";
import { isTerminal } from "../run/to-status.ts";
import { inspectClaim, type ClaimOptions } from "../store/claims/claims.ts";
import { holdClaim } from "../store/claims/hold-claim.ts";
import { describeOwner, type ClaimOwner } from "../store/claims/owner.ts";
import { readControl, requestRetry } from "../store/runs/run-control.ts";
import {
  readStatus,
  takeRunLease,
  toLeaseKey,
} from "../store/runs/run-records.ts";
import type { Store } from "../store/store.ts";
import { drive, type DriveEvent } from "./drive.ts";
import type { Executor } from "./executor.ts";

const FOLLOW_EVERY_MS = 1000;

export type JoinOptions = {
  readonly plan: Plan;
  readonly run: string;
  readonly store: Store;
  /** Called when this process is the driver: what it opens, `drive` closes. */
  readonly openExecutor: () => Promise<Executor>;
  /** This process. */
  readonly owner: ClaimOwner;
  readonly isOwnerAlive: ClaimOptions["isOwnerAlive"];
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly listener: (event: DriveEvent) => void;
};

/** Drives or follows a run; returns its last status, which is terminal unless `signal` aborted. */
export async function joinRun(options: JoinOptions): Promise<RunStatus> {
  let isFirst = true;
  for (;;) {
    const status = await driveIfFree(options, isFirst);
    if (status !== "held" && status !== "lost") return status;
    isFirst = false;
    const ended = await follow(options);
    if (ended !== null) return ended;
  }
}

async function driveIfFree(
  options: JoinOptions,
  isFirst: boolean,
): Promise<RunStatus | "held" | "lost"> {
  const { store, run, owner, clock, log, signal, listener } = options;
  const outcome = await takeRunLease(store, run, owner, options);
  if (outcome.kind === "held") {
    listener({ kind: "following", driver: describeOwner(outcome.by) });
    return "held";
  }
  const lease = holdClaim({ claim: outcome.claim, clock, log });
  try {
    if (isFirst) await startAfresh(options);
    listener({ kind: "driving" });
    const executor = await options.openExecutor();
    const both = AbortSignal.any([signal, lease.signal]);
    const holdsLease = (): boolean => lease.lost() === null;
    const status = await drive({
      ...options,
      executor,
      signal: both,
      holdsLease,
    });
    return holdsLease() || isTerminal(status.phase) ? status : "lost";
  } finally {
    await lease.release();
  }
}

async function startAfresh({ store, run, clock }: JoinOptions): Promise<void> {
  const last = await readStatus(store, run);
  const { cancel } = await readControl(store, run);
  const hasFailed =
    last !== null &&
    isTerminal(last.status.phase) &&
    last.status.phase !== "Succeeded";
  if (hasFailed || cancel)
    await requestRetry(store, { run, task: "*", atMs: clock.now() });
}

/** Of a run that nobody has reported of yet. */
function unseenStatus(plan: Plan): RunStatus {
  const nothing = { tasks: new Map(), capacity: null, control: noControl };
  return reconcile(plan, nothing, 0).status;
}

/** Follows somebody else's driving; null: they are gone, and the run has not ended. */
async function follow(options: JoinOptions): Promise<RunStatus | null> {
  const { store, run, clock, signal, listener } = options;
  // A status of an earlier driver may still be there; what counts is one that was written since.
  const first = (await readStatus(store, run))?.updatedAtMs ?? null;
  for (;;) {
    // In this order: a driver writes its last status before it lets go.
    const claim = await inspectClaim(store, toLeaseKey(run), options);
    const record = await readStatus(store, run);
    if (record !== null)
      listener({ kind: "status", status: record.status, progress: [] });
    const isNew = record !== null && record.updatedAtMs !== first;
    if (record !== null && isNew && isTerminal(record.status.phase))
      return record.status;
    if (claim === null || claim.state === "stale") return null;
    if (signal.aborted) return record?.status ?? unseenStatus(options.plan);
    await clock.sleep(FOLLOW_EVERY_MS, signal);
  }
}
