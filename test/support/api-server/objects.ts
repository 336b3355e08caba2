/** What the pretended API server keeps and answers: objects as JSON, never changed in place, and `metav1.Status`. */
import { isDeepStrictEqual } from "node:util";
import type { KubeObject, ObjectMeta } from "../../../src/kube/kube.ts";

export type ApiObject = KubeObject & { readonly [field: string]: unknown };

/** An answer that is no success. */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly retryAfterSeconds: number | null;
  readonly causes: readonly {
    readonly field: string;
    readonly message: string;
  }[];

  constructor(
    status: number,
    reason: string,
    message: string,
    more: {
      readonly retryAfterSeconds?: number | undefined;
      readonly causes?: ApiError["causes"];
    } = {},
  ) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfterSeconds = more.retryAfterSeconds ?? null;
    this.causes = more.causes ?? [];
  }
}

/** `metav1.Status`, as the server sends it. */
export function toStatusObject(error: ApiError): object {
  const { status, reason, message, retryAfterSeconds, causes } = error;
  const details = {
    ...(retryAfterSeconds === null ? {} : { retryAfterSeconds }),
    ...(causes.length === 0
      ? {}
      : { causes: causes.map((cause) => ({ reason: "Invalid", ...cause })) }),
  };
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    code: status,
    ...(Object.keys(details).length === 0 ? {} : { details }),
  };
}

export function withMetadata(
  object: ApiObject,
  change: {
    readonly [field in keyof ObjectMeta | "managedFields"]?: unknown;
  } & {
    readonly deletionGracePeriodSeconds?: number;
  },
): ApiObject {
  const metadata = { ...object.metadata, ...change } as ObjectMeta;
  return { ...object, metadata };
}

export function isRecord(
  value: unknown,
): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Equal in all that a write may change: no new version where nothing is new. */
export function isSameContent(a: ApiObject, b: ApiObject): boolean {
  const bare = (object: ApiObject) =>
    withMetadata(object, { resourceVersion: "", managedFields: undefined });
  return isDeepStrictEqual(bare(a), bare(b));
}
