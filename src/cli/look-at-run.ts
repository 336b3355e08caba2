/**
 * One look at a run from outside: its last status, who drives it now, and how far its running tasks are, read from
 * the ends of their logs, so that it works for whoever can read the store.
 */
import { mapBounded } from "../base/async.ts";
import type { TaskProgress } from "../executor/executor.ts";
import { readWorkerLine } from "../executor/worker-line.ts";
import type { RunStatus } from "../run/status.ts";
import { isTerminal } from "../run/to-status.ts";
import { inspectClaim } from "../store/claims/claims.ts";
import { layout } from "../store/layout.ts";
import { createLiveness, describeOwner } from "../store/claims/owner.ts";
import { readStatus, toLeaseKey } from "../store/runs/run-records.ts";
import type { Store } from "../store/store.ts";
import type { Environment } from "./environment.ts";

export type RunView = {
  readonly run: string;
  /** Null: no driver has reported yet. */
  readonly status: RunStatus | null;
  readonly updatedAtMs: number | null;
  /** Who drives it, for people; null: nobody. */
  readonly driver: string | null;
  readonly progress: readonly TaskProgress[];
};

const READS_IN_FLIGHT = 8;
/** Enough for the last few lines of a log. */
const TAIL_BYTES = 4096;

/** Looks once. */
export async function lookAtRun(
  store: Store,
  run: string,
  { clock, host }: Pick<Environment, "clock" | "host">,
): Promise<RunView> {
  // In this order: a driver writes its last status before it lets go.
  const claim = await inspectClaim(store, toLeaseKey(run), {
    clock,
    isOwnerAlive: createLiveness({ host: host.name }),
  });
  const record = await readStatus(store, run);
  const running = (record?.status.notes ?? []).filter(
    ({ phase }) => phase === "Running",
  );
  const progress = await mapBounded(
    running,
    READS_IN_FLIGHT,
    async ({ task }) => await readProgress(store, run, task),
  );
  return {
    run,
    status: record?.status ?? null,
    updatedAtMs: record?.updatedAtMs ?? null,
    driver: claim?.state === "held" ? describeOwner(claim.by) : null,
    progress: progress.filter((entry) => entry !== null),
  };
}

/** Whether a status is the last one of its run. */
export function isOver(status: RunStatus | null): boolean {
  return status !== null && isTerminal(status.phase);
}

async function readProgress(
  store: Store,
  run: string,
  task: string,
): Promise<TaskProgress | null> {
  const path = layout.runLog(run, task);
  const size = (await store.stat(path))?.sizeBytes ?? 0;
  if (size === 0) return null;
  const length = Math.min(size, TAIL_BYTES);
  const bytes = await store.read(path, { offset: size - length, length });
  const lines = new TextDecoder().decode(bytes ?? new Uint8Array()).split("\n");
  for (const line of lines.reverse()) {
    const { progress } = readWorkerLine(line);
    if (progress !== null) return { task, ...progress };
  }
  return null;
}
