/**
 * The retry rules as a Job keeps them: `podFailurePolicy` (KEP-3329) and `backoffLimitPerIndex` (KEP-3850), generated
 * from the one table in `run/retry-policy.ts`.
 *
 *  - What is not the task's fault (`preempted`) is ignored: the Job controller replaces the pod and counts nothing. It
 *    knows no ceiling for that; ours are kept by `observe-jobs`.
 *  - What cannot end otherwise (`fatal`) fails the index at once.
 *  - A kill fails the index too, though it may be tried again: whether memory was the cause is in the pod's status and
 *    not in its exit code, so it is judged here, and tried again by a new Job.
 *  - The rest is counted and tried again by the Job controller, with its own back-off.
 */
import { ExitCode } from "../../base/errors.ts";
import { retryRules, type RetryRule } from "../../run/retry-policy.ts";
import { conditionOf, WORKER, workerOf } from "./job.ts";
import type { Job, JobSpec, Pod, PodFailureRule } from "./job.ts";

/** V8 aborts (128 + SIGABRT) when its heap is full; the kernel kills. Either may have been for want of memory. */
const MAYBE_MEMORY: readonly number[] = [134, ExitCode.killed];

export function createFailurePolicy(
  rules: readonly RetryRule[] = retryRules,
): Pick<JobSpec, "backoffLimitPerIndex" | "podFailurePolicy"> {
  const ignored = codesOf(rules, "preempted");
  const fatal = [...codesOf(rules, "fatal"), ...MAYBE_MEMORY];
  const byCode: readonly PodFailureRule[] = [
    ruleOf("Ignore", ignored),
    ruleOf("FailIndex", fatal),
  ];
  const counted = rules.filter(isCounted).map(({ limit }) => limit);
  return {
    backoffLimitPerIndex: Math.max(...counted) - 1,
    podFailurePolicy: {
      rules: [
        {
          action: "Ignore",
          onPodConditions: [{ type: "DisruptionTarget", status: "True" }],
        },
        ...byCode,
      ],
    },
  };
}

/** Whether the end of this pod is the end of its index, as the Job's policy says: the first rule that matches decides. */
export function failsIndex({ spec }: Job, pod: Pod): boolean {
  if (pod.status?.phase !== "Failed") return false;
  const code = workerOf(pod)?.state?.terminated?.exitCode;
  const isTaken = conditionOf(pod, "DisruptionTarget")?.status === "True";
  const rule = spec.podFailurePolicy.rules.find((one) =>
    "onPodConditions" in one
      ? isTaken
      : code !== undefined && one.onExitCodes.values.includes(code),
  );
  return rule?.action === "FailIndex";
}

/** Whether the Job controller's tries are all that there are; else it is ours to try again. */
export function isJudgedByJob(rule: RetryRule): boolean {
  const { matches, outcome } = rule;
  const isByCode = typeof matches === "object" && "exitCodes" in matches;
  return isCounted(rule) || (outcome === "fatal" && isByCode);
}

/** Tried again by the Job controller. */
function isCounted({ matches, outcome }: RetryRule): boolean {
  if (outcome !== "retryable") return false;
  if (matches === "anything") return true;
  return (
    "exitCodes" in matches &&
    !matches.exitCodes.some((code) => MAYBE_MEMORY.includes(code))
  );
}

function codesOf(
  rules: readonly RetryRule[],
  outcome: RetryRule["outcome"],
): readonly number[] {
  return rules.flatMap((rule) =>
    rule.outcome === outcome && "exitCodes" in Object(rule.matches)
      ? (rule.matches as { exitCodes: readonly number[] }).exitCodes
      : [],
  );
}

function ruleOf(
  action: "Ignore" | "FailIndex",
  values: readonly number[],
): PodFailureRule {
  return {
    action,
    onExitCodes: {
      containerName: WORKER,
      operator: "In",
      values: [...values].sort((a, b) => a - b),
    },
  };
}
