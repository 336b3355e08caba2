/**
 * Conditions as Kubernetes has them (metav1.Condition): `lastTransitionTime` moves only when `status` flips, so that
 * how long something has been so can be read from it.
 */
import type { Condition } from "./run-resource.ts";

/** What is said of one side of the state now. */
export type Claim<T extends string> = {
  readonly type: T;
  readonly status: Condition["status"];
  /** CamelCase, stable. */
  readonly reason: string;
  readonly message: string;
};

type ConditionOf<T extends string> = Omit<Condition, "type"> & {
  readonly type: T;
};

/** In the order of the claims; what is no longer claimed is dropped. */
export function toConditions<T extends string>(
  claims: readonly Claim<T>[],
  options: {
    readonly previous: readonly ConditionOf<T>[] | undefined;
    readonly generation: number;
    readonly nowMs: number;
  },
): readonly ConditionOf<T>[] {
  const { previous, generation, nowMs } = options;
  return claims.map((claim) => {
    const before = conditionOf(previous, claim.type);
    return {
      ...claim,
      lastTransitionTime:
        before?.status === claim.status
          ? before.lastTransitionTime
          : toTime(nowMs),
      observedGeneration: generation,
    };
  });
}

export function conditionOf<T extends string>(
  conditions: readonly ConditionOf<T>[] | undefined,
  type: T,
): ConditionOf<T> | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** RFC 3339 in UTC, whole seconds, as the API server writes times. */
export function toTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
