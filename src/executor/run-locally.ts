/** Joins a run on this machine: the local executor, with the claims and controls of the store wired to it. */
import { createLiveness, readOwner } from "../store/claims/owner.ts";
import { keepArtifacts } from "../store/gc/keep-artifacts.ts";
import { readControl } from "../store/runs/run-control.ts";
import { createRun } from "../store/runs/run-records.ts";
import type { RunStatus } from "../run/status.ts";
import { createFindHolder } from "./find-holder.ts";
import { joinRun, type JoinOptions } from "./join-run.ts";
import {
  openLocalExecutor,
  type LocalExecutorOptions,
} from "./local/open-local-executor.ts";

export type RunLocallyOptions = Omit<
  JoinOptions,
  "openExecutor" | "owner" | "isOwnerAlive"
> &
  Pick<LocalExecutorOptions, "command" | "capacity" | "graceMs" | "memory"> & {
    /** The file as the user wrote it: what the run is recorded with. */
    readonly pipelineText: string;
    readonly host: string;
    readonly pid: number;
  };

/**
 * Drives the recorded run `run` here, or follows who already does. Returns the last status: terminal, or `Pending` with
 * a reason if `signal` aborted.
 */
export async function runLocally(
  options: RunLocallyOptions,
): Promise<RunStatus> {
  const { store, run, plan, host, pid, clock } = options;
  const isOwnerAlive = createLiveness({ host });
  const findHolder = createFindHolder({ store, run, clock, isOwnerAlive });
  const owner = await readOwner({ host, pid, run, task: "driver" });
  return joinRun({
    ...options,
    owner,
    isOwnerAlive,
    async openExecutor() {
      // Under the lease, and before any manifest is relied on: `gc` may have given the run up between, and may be at it.
      await createRun(store, options);
      const user = { what: "run", name: run } as const;
      const keys = plan.tasks.map(({ key }) => key);
      await keepArtifacts({ ...options, owner, isOwnerAlive }, user, keys);
      return await openLocalExecutor({
        ...options,
        findHolder,
        readControl: () => readControl(store, run),
      });
    },
  });
}
