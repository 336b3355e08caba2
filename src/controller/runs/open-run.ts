/**
 * What happens once a run's lease is ours and before its first step: plan it, or say why it cannot be; look whether it
 * has ended before (F); open what drives it.
 */
import { UserError } from "../../base/errors.ts";
import {
  createFindHolder,
  type FindHolder,
} from "../../executor/find-holder.ts";
import type { Run } from "../../resources/run-resource.ts";
import { isEnded } from "../../resources/run-status.ts";
import type { RunControl } from "../../run/observation.ts";
import type { RunStatus } from "../../run/status.ts";
import { isTerminal } from "../../run/to-status.ts";
import type { HeldClaim } from "../../store/claims/hold-claim.ts";
import { readStatus } from "../../store/runs/run-records.ts";
import type { RunUsage } from "../../store/runs/run-usage.ts";
import {
  openDrivenRun,
  type DrivenRun,
  type DrivenRunOptions,
  type RunExecutor,
} from "./driven-run.ts";
import { planRun, type PlannedRun, type PlanRunOptions } from "./plan-run.ts";
import { isOfStore } from "./step-failure.ts";

export type OpenRunOptions = PlanRunOptions &
  Pick<
    DrivenRunOptions,
    "owner" | "isOwnerAlive" | "clock" | "log" | "onChange"
  > & {
    readonly openExecutor: (options: {
      /** As it is now: what people change shows in the next observation. */
      readonly getRun: () => Run;
      readonly findHolder: FindHolder;
      readonly readControl: () => RunControl;
      readonly usedBefore: RunUsage | null;
    }) => Promise<RunExecutor>;
    readonly readControl: (run: Run) => RunControl;
  };

export type OpenedRun =
  | { readonly kind: "driven"; readonly driven: DrivenRun }
  /** Its submitter must mend it: what, and how. */
  | { readonly kind: "refused"; readonly reason: string };

/** The lease goes over to `driven`; if it is refused, or this throws, it is still the caller's. */
export async function openRun(
  run: Run,
  lease: HeldClaim,
  options: OpenRunOptions & { readonly getRun: () => Run },
): Promise<OpenedRun> {
  const { storeRun, getRun, readControl } = options;
  const planned = await planOrRefuse(run, options);
  if ("reason" in planned) return { kind: "refused", ...planned };
  const findHolder = createFindHolder({ ...options, run: storeRun });
  const driven = await openDrivenRun({
    ...options,
    planned,
    lease,
    openExecutor: (usedBefore) =>
      options.openExecutor({
        getRun,
        findHolder,
        readControl: () => readControl(getRun()),
        usedBefore,
      }),
    latched: await findLatched(run, readControl(run), options),
  });
  return { kind: "driven", driven };
}

async function planOrRefuse(
  run: Run,
  options: PlanRunOptions,
): Promise<PlannedRun | { readonly reason: string }> {
  try {
    return await planRun(run, options);
  } catch (thrown) {
    // What the store refuses is no mistake of who submitted: it may be mended, and the run go on.
    if (!(thrown instanceof UserError) || isOfStore(thrown)) throw thrown;
    const { message, hint } = thrown;
    return { reason: hint === null ? message : `${message}; ${hint}` };
  }
}

/**
 * The last status in the store, if it was terminal (F). A Run whose own status has ended, and that is here all the same,
 * was asked to try again; one whose status was never written is asked like any other.
 */
async function findLatched(
  run: Run,
  control: RunControl,
  { store, storeRun }: Pick<PlanRunOptions, "store" | "storeRun">,
): Promise<RunStatus | null> {
  const record = await readStatus(store, storeRun);
  if (record === null || !isTerminal(record.status.phase)) return null;
  if (run.status !== undefined && isEnded(run.status.phase)) return null;
  const { updatedAtMs, status } = record;
  const isRetried = Object.values(control.retriedAtMs).some(
    (atMs) => atMs > updatedAtMs,
  );
  return isRetried && status.phase !== "Succeeded" ? null : status;
}
