/** Waits until the controller has planned a Run, or says why it cannot be, or nobody answers. */
import { UserError } from "../../base/errors.ts";
import type { Kube } from "../../kube/kube.ts";
import type { Run } from "../../resources/run-resource.ts";
import { conditionOf } from "../../resources/conditions.ts";
import { formatDuration } from "../../report/format.ts";
import { followRun } from "../cluster/follow-run.ts";
import type { Environment } from "../environment.ts";

export type Planned =
  | { readonly kind: "planned"; readonly run: Run }
  | { readonly kind: "refused"; readonly reason: string }
  /** Who waits was told to stop. */
  | { readonly kind: "stopped" };

/** Throws `submit.no-controller` (UserError) when the Run has no status after `answerMs`. */
export async function awaitPlan(
  kube: Kube,
  run: Run,
  options: { readonly environment: Environment; readonly answerMs: number },
): Promise<Planned> {
  const { environment, answerMs } = options;
  const { clock } = environment;
  const over = new AbortController();
  const silence = new AbortController();
  const signal = AbortSignal.any([environment.signal, silence.signal]);
  const timer = clock.sleep(answerMs, over.signal).then(() => {
    if (!over.signal.aborted) silence.abort();
  });
  try {
    for await (const seen of followRun(kube, run, { ...environment, signal })) {
      // Planning may take long: whoever has begun is waited for.
      if (seen.status !== undefined) over.abort();
      const planned = judge(seen);
      if (planned !== null) return planned;
    }
  } finally {
    over.abort();
    await timer;
  }
  if (environment.signal.aborted) return { kind: "stopped" };
  throw noController(kube, answerMs);
}

function judge(run: Run): Planned | null {
  const planned = conditionOf(run.status?.conditions, "Planned");
  if (planned?.status === "True" && run.status?.plan !== undefined)
    return { kind: "planned", run };
  // The phase's reason has more room than the condition's message.
  if (run.status?.phase === "Failed" || run.status?.phase === "Cancelled")
    return { kind: "refused", reason: run.status.reason };
  return null;
}

function noController(kube: Kube, answerMs: number): UserError {
  return new UserError({
    code: "submit.no-controller",
    message: `no controller has looked at the Run within ${formatDuration(answerMs)}: none seems to run for namespace '${kube.namespace}'`,
    hint: "`kubectl get deployments,pods -A -l app.kubernetes.io/name=hueline` shows whether one runs, and its log what ails it; a busy one may need a longer --answer-within",
  });
}
