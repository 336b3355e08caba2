/** Answers of the API server that are no success, as errors of the port. */
import { TransientError } from "../../base/errors.ts";
import { KubeRefusal } from "../refusal.ts";

/** `metav1.Status`, as far as anybody looks at it. */
type Status = {
  readonly reason?: string;
  readonly message?: string;
  readonly code?: number;
  readonly details?: {
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly {
      readonly field?: string;
      readonly message?: string;
    }[];
  };
};

/** Of an answer: `metav1.Status`, or whatever a proxy before the server says. `retryAfter` is the header. */
export function toRefusal(
  status: number,
  body: string,
  retryAfter: string | undefined,
): KubeRefusal {
  const headerSeconds = Number(retryAfter) || null;
  const text = body.trim().slice(0, 500);
  return toStatusRefusal(parseStatus(body), { status, text, headerSeconds });
}

/** Of the object of a watch's ERROR event. */
export function toEventRefusal(object: unknown): KubeRefusal {
  const status = (object ?? {}) as Status;
  return toStatusRefusal(status, {
    status: status.code ?? 500,
    text: "",
    headerSeconds: null,
  });
}

function toStatusRefusal(
  said: Status,
  answer: {
    readonly status: number;
    readonly text: string;
    readonly headerSeconds: number | null;
  },
): KubeRefusal {
  const { status, text } = answer;
  const seconds = said.details?.retryAfterSeconds ?? answer.headerSeconds;
  return new KubeRefusal({
    status,
    reason: said.reason || (reasons[status] ?? "Unknown"),
    message: said.message || text || `the API server answered ${status}`,
    causes: (said.details?.causes ?? []).map(({ field, message }) =>
      [field, message].filter(Boolean).join(": "),
    ),
    retryAfterMs: seconds === null ? null : seconds * 1000,
  });
}

/** Where the answer does not say it: an old server, or a proxy. */
const reasons: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  410: "Gone",
  422: "Invalid",
  429: "TooManyRequests",
};

function parseStatus(body: string): Status {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch {
    // No JSON, so it is a proxy's page: its text is shown.
    return {};
  }
}

/** About the server's state and not about the request. */
export function isTemporary(refusal: KubeRefusal): boolean {
  return [429, 500, 502, 503, 504].includes(refusal.status);
}

/** A refusal as the port has it: asking again may help after some of them. */
export function toPortError(
  refusal: KubeRefusal,
): KubeRefusal | TransientError {
  if (!isTemporary(refusal)) return refusal;
  const { status, reason, message, retryAfterMs } = refusal;
  return new TransientError({
    code: "kube.busy",
    message: `the API server answers ${status} ${reason}: ${message}`,
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
    cause: refusal,
  });
}
