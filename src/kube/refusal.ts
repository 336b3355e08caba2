/** What an API server answers when it does not do what it is asked: `metav1.Status`, as an error. */

import { UserError } from "../base/errors.ts";

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
    saysQuotaExceeded(thrown.message)
  );
}

/** The same of what another controller was answered, as its Event tells. */
export function saysQuotaExceeded(message: string): boolean {
  return message.includes("exceeded quota");
}

/** For commands: a refusal as somebody's who can mend it. `server` is `Kube.server`. */
export function toUserError(refusal: KubeRefusal, server: string): UserError {
  const { status, message, causes, reason } = refusal;
  const details = causes.filter((cause) => !message.includes(cause));
  return new UserError({
    code: `kube.${reason.charAt(0).toLowerCase()}${reason.slice(1)}`,
    message: [`the API server at ${server} says: ${message}`, ...details].join(
      "\n  ",
    ),
    ...(hints[status] && { hint: hints[status] }),
    cause: refusal,
  });
}

const hints: Readonly<Record<number, string>> = {
  401: "the credentials of this context are unknown there or have expired: log in again (`kubectl auth whoami` asks the same)",
  403: "ask for the role that the chart ships for this (editor or viewer) in this namespace, or choose another with --namespace",
  404: "is hueline installed in this cluster? `kubectl get crd runs.hueline.dev` says",
  409: "somebody else has changed it or made one of the same name meanwhile: look at it and try again",
};
