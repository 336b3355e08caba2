/**
 * One Run, from its first sight to its end: a state machine that a queue steps.
 *
 * `idle`: nothing is open. `taking`: the store's lease on the run is being taken. `driving`: it is planned, and each step
 * is a turn of its driver. `parked`: suspended, and nothing is left to stop: the lease is released, nothing is asked.
 * `over`: terminal.
 *
 *  L1 What to do follows from (Run, store, cluster) as they are now: this machine only remembers what it has open.
 *  L2 A terminal phase latches (F): that of the Run's status; that of the store's record, if the status was never
 *     written; that of this machine, while informers lag behind. Only a retry asked for later lifts it.
 *  L3 Leaving stops nothing: Jobs go on, or go with their Run by owner references.
 *  L4 The end is said before anything that nobody waits for. What is left then (its Event, the Jobs' time to live) follows
 *     from the Run and its Jobs: whoever first sees a Run that has ended does it, which asks nothing where it was done.
 */
import { toError, TransientError } from "../../base/errors.ts";
import type { Run } from "../../resources/run-resource.ts";
import type { Hindrance } from "../../resources/run-status.ts";
import type { Decision, RunStatus } from "../../run/status.ts";
import { isTerminal } from "../../run/to-status.ts";
import type { HeldClaim } from "../../store/claims/hold-claim.ts";
import type { DrivenRun } from "./driven-run.ts";
import { openRun, type OpenRunOptions } from "./open-run.ts";
import { createReceipt } from "./receipt.ts";
import { takeInBackground, type RunLeaseTake } from "./run-lease.ts";
import type { RunReport } from "./run-report.ts";
import type { StatusWriter } from "./status-writer.ts";
import { explainFailure } from "./step-failure.ts";

export type RunLoopOptions = Omit<OpenRunOptions, "readControl"> & {
  readonly status: StatusWriter;
  /** Whether quotas of the namespace allow the plan's largest task; null: not known. */
  readonly judgeQuota: (plan: DrivenRun["plan"]) => Promise<string | null>;
  /** Writes what `hueline run` writes when a run has succeeded. */
  readonly writeReports: (plan: DrivenRun["plan"]) => Promise<void>;
  /** Looks after what is left of a Run that has ended and is not driven here. */
  readonly tendEnded: (run: Run) => Promise<void>;
  /** Other replicas keep away: the lease of who was here before may be taken at once. */
  readonly mayForce: boolean;
  readonly lookEveryMs: number;
  /** A turn can go on that could not before. */
  readonly onReady: () => void;
};

export type RunLoop = {
  /** One turn. Returns milliseconds until the next one is due without a change; null: only on a change. */
  step(run: Run): Promise<number | null>;
  /** What it drives, for metrics; null: nothing. */
  status(): RunStatus | null;
  /** Lets go of everything; the run can be stepped again later. */
  close(): Promise<void>;
};

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "taking"; readonly take: RunLeaseTake }
  | { readonly kind: "driving"; readonly driven: DrivenRun }
  | { readonly kind: "parked" }
  | { readonly kind: "over" };

const idle = { kind: "idle" } as const;

export function createRunLoop(options: RunLoopOptions): RunLoop {
  const { store, log, lookEveryMs } = options;
  const { controlOf, isOver, write, writeLast } = options.status;
  let state: State = idle;
  let run: Run;
  let seen: RunStatus | null = null;
  /** Said once, in the first status with a plan; then it stands there. */
  let receipt: RunReport["receipt"] = null;
  let failures = 0;

  const toReport = (news: Partial<RunReport>): RunReport => {
    const known = { seen, receipt, planProblem: null, gpuHours: null };
    return { ...known, hindrances: [], ...news };
  };
  const report = (news: Partial<RunReport> = {}): number | null =>
    write(run, toReport(news));
  const reportLast = (news: Partial<RunReport>): Promise<void> =>
    writeLast(run, toReport(news));

  /** Beside a failure that is told already. */
  const reportQuietly = (news: Partial<RunReport>): void => {
    try {
      report(news);
    } catch {
      // The writer says no more than that the API server is the trouble.
    }
  };

  const release = async (next: State): Promise<void> => {
    const before = state;
    state = next;
    if (before.kind === "taking") await before.take.cancel();
    if (before.kind === "driving") await before.driven.close();
  };

  const checkTake = async (take: RunLeaseTake): Promise<number | null> => {
    const outcome = take.outcome();
    if (outcome === null) {
      // Whoever held it may have said more than that.
      if (run.status === undefined) report();
      return lookEveryMs;
    }
    state = idle;
    if (outcome.kind === "taken") return await open(outcome.lease);
    if (outcome.kind === "failed") throw outcome.error;
    await options.status.warn(run, drivenElsewhere(outcome.by));
    return lookEveryMs;
  };

  const open = async (lease: HeldClaim): Promise<number | null> => {
    // Looking at large sources takes long: who has submitted it sees that somebody is at it.
    if (run.status === undefined) report();
    const opened = await openOrRelease(run, lease, {
      ...options,
      readControl: controlOf,
      getRun: () => run,
    });
    if (opened.kind === "refused") {
      await reportLast({ planProblem: opened.reason });
      return await windUp();
    }
    state = { kind: "driving", driven: opened.driven };
    return await turn(opened.driven);
  };

  const turn = async (driven: DrivenRun): Promise<number | null> => {
    if (driven.lost() !== null) {
      log.warn({}, "the lease on the run was lost");
      await release(idle);
      return lookEveryMs;
    }
    const decision = await driven.step();
    seen = decision.status;
    receipt ??= run.status?.plan ?? (await createReceiptOf(driven, decision));
    const gpuHours = driven.usage().gpuSeconds / 3600;
    if (isTerminal(seen.phase)) {
      const hindrances =
        seen.phase === "Succeeded" ? await writeReports(driven) : [];
      await reportLast({ gpuHours, hindrances });
      return await windUp();
    }
    if (seen.phase === "Suspended" && decision.actions.length === 0) {
      await driven.tend();
      await reportLast({ gpuHours });
      await release({ kind: "parked" });
      return null;
    }
    driven.tendSoon();
    const hindrances = driven.troubles().map(toTrouble);
    const waitMs = report({ gpuHours, hindrances });
    const nextMs = decision.requeueAfterMs ?? lookEveryMs;
    return Math.min(nextMs, lookEveryMs, waitMs ?? Infinity);
  };

  /** The end is told: what is left to do (L4). */
  const windUp = async (): Promise<null> => {
    await options.status.tellEnd(run);
    await (state.kind === "driving"
      ? state.driven.tend()
      : options.tendEnded(run));
    await release({ kind: "over" });
    return null;
  };

  /** Before the end is told: who waits for it reads them next. What cannot be written does not change the end. */
  const writeReports = async ({
    plan,
  }: DrivenRun): Promise<readonly Hindrance[]> => {
    try {
      await options.writeReports(plan);
      return [];
    } catch (thrown) {
      if (thrown instanceof TransientError) throw thrown;
      log.error({ error: toError(thrown) }, "no report could be written");
      const { message } = explainFailure(thrown);
      return [{ reason: "ReportFailed", message }];
    }
  };

  const createReceiptOf = async (
    { plan }: DrivenRun,
    { states }: Decision,
  ): Promise<RunReport["receipt"]> => {
    const quota = await options.judgeQuota(plan);
    return await createReceipt({ store, plan, states, quota });
  };

  const advance = async (): Promise<number | null> => {
    if (isOver(run)) return state.kind === "over" ? null : await windUp();
    const { suspend, cancel } = controlOf(run);
    if (state.kind === "parked" && suspend && !cancel) return null;
    // Resumed, or asked to try again.
    if (state.kind === "parked" || state.kind === "over") state = idle;
    if (state.kind === "driving") return await turn(state.driven);
    if (state.kind === "taking") return await checkTake(state.take);
    const onChange = options.onReady;
    state = {
      kind: "taking",
      take: takeInBackground({ ...options, onChange }),
    };
    return lookEveryMs;
  };

  return {
    async step(next) {
      run = next;
      try {
        const nextMs = await advance();
        failures = 0;
        return nextMs;
      } catch (thrown) {
        failures++;
        // A hiccup is nobody's business, and an end is told when all of it is done. Where the API server itself is the
        // trouble, nothing can be said either.
        const isHiccup = failures === 1 && thrown instanceof TransientError;
        const isAtEnd = seen !== null && isTerminal(seen.phase);
        if (!isHiccup && !isAtEnd)
          reportQuietly({ hindrances: [explainFailure(thrown)] });
        throw thrown;
      }
    },
    status: () => (state.kind === "driving" ? seen : null),
    async close() {
      await release(idle);
      await options.status.settled();
    },
  };
}

/** The lease is released unless it went over to who drives. */
async function openOrRelease(
  run: Run,
  lease: HeldClaim,
  options: Parameters<typeof openRun>[2],
): ReturnType<typeof openRun> {
  try {
    const opened = await openRun(run, lease, options);
    if (opened.kind === "refused") await lease.release();
    return opened;
  } catch (thrown) {
    await lease.release();
    throw thrown;
  }
}

function drivenElsewhere(by: string): Hindrance {
  return {
    reason: "DrivenElsewhere",
    message: `another controller drives it: ${by}`,
  };
}

function toTrouble(message: string): Hindrance {
  return { reason: "QuotaExceeded", message };
}
