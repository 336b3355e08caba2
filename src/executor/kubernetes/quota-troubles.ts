/**
 * Jobs whose pods a quota refuses, and since when: most quotas count cores, memory and GPUs, so that Jobs are created and
 * wait. What this driver has not seen begin counts from the Job's birth if it never had a pod.
 */
import { saysQuotaExceeded } from "../../kube/refusal.ts";
import { timeOf } from "../jobs/job.ts";
import type { JobView } from "../jobs/observe-jobs.ts";

export type QuotaTroubles = {
  note(views: readonly JobView[], nowMs: number): void;
  /** What has waited for longer than `quotaMs`; one line each. */
  list(nowMs: number): readonly string[];
};

type Refused = {
  readonly name: string;
  readonly sinceMs: number;
  readonly reason: string;
};

export function createQuotaTroubles(quotaMs: number): QuotaTroubles {
  let refused: ReadonlyMap<string, Refused> = new Map();
  return {
    note(views, nowMs) {
      const now = new Map<string, Refused>();
      for (const { job, pods, failedCreate: reason } of views) {
        if (reason === null || !saysQuotaExceeded(reason)) continue;
        const { name, uid = "", creationTimestamp } = job.metadata;
        const bornMs = timeOf(creationTimestamp, nowMs);
        const firstMs = pods.length === 0 ? bornMs : nowMs;
        const sinceMs = refused.get(uid)?.sinceMs ?? firstMs;
        now.set(uid, { name, sinceMs, reason });
      }
      refused = now;
    },
    list: (nowMs) =>
      [...refused.values()].flatMap(({ name, sinceMs, reason }) =>
        nowMs - sinceMs > quotaMs
          ? [
              `pods of Job '${name}' have waited for ${Math.floor((nowMs - sinceMs) / 3_600_000)} hours: ${reason}`,
            ]
          : [],
      ),
  };
}
