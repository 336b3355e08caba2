/** What a turn that failed says of itself in the status of its Run: the reason, and what a person can do. */
import { toError, TransientError, UserError } from "../../base/errors.ts";
import { KubeRefusal } from "../../kube/refusal.ts";
import type { Hindrance } from "../../resources/run-status.ts";

/** Whether the store, and not the API server or this program, is the trouble. */
export function isOfStore(thrown: unknown): boolean {
  return (
    (thrown instanceof UserError || thrown instanceof TransientError) &&
    thrown.code.startsWith("store.")
  );
}

export function explainFailure(thrown: unknown): Hindrance {
  const { message } = toError(thrown);
  if (thrown instanceof KubeRefusal)
    return { reason: "ApiServerRefused", message };
  if (thrown instanceof UserError) {
    const { hint } = thrown;
    return {
      reason: isOfStore(thrown) ? "StoreRefused" : "CannotGoOn",
      message: hint === null ? message : `${message}; ${hint}`,
    };
  }
  if (thrown instanceof TransientError)
    return {
      reason: isOfStore(thrown) ? "StoreUnavailable" : "Unavailable",
      message,
    };
  return {
    reason: "Bug",
    message: `${message}; the controller's log has the stack`,
  };
}
