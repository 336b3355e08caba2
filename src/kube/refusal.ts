/** What an API server answers when it does not do what it is asked: `metav1.Status`, as an error. */

/** `metav1.StatusReason`, those that callers decide by. */
export type RefusalReason =
  | "AlreadyExists"
  | "Conflict"
  | "Expired"
  | "Forbidden"
  | "Gone"
  | "Invalid"
  | "NotFound"
  | "TooManyRequests"
  | "Unauthorized";

export class KubeRefusal extends Error {
  override readonly name = "KubeRefusal";
  /** The HTTP status. */
  readonly status: number;
  readonly reason: RefusalReason | (string & {});
  /** Field errors, for people: `spec.suspend: Invalid value: …`. */
  readonly causes: readonly string[];
  readonly retryAfterMs: number | null;

  constructor(options: {
    readonly status: number;
    readonly reason: string;
    readonly message: string;
    readonly causes?: readonly string[];
    readonly retryAfterMs?: number | null;
  }) {
    super(options.message);
    this.status = options.status;
    this.reason = options.reason;
    this.causes = options.causes ?? [];
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** A quota of the namespace is used up (the server says 403 Forbidden): to be waited for, not a failure. */
export function isQuotaExceeded(thrown: unknown): thrown is KubeRefusal {
  return (
    thrown instanceof KubeRefusal &&
    thrown.status === 403 &&
    thrown.message.includes("exceeded quota")
  );
}
