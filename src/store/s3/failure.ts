/**
 * What a failed request means: to be tried again, to be mended by a person, or a bug. S3 servers agree on the code in
 * the answer's body more than on the status, so the code decides and the status is what is left without one.
 *
 * F1 A failure after which the request may or may not have been done is `temporary` like any other: whoever sends
 *    a write finds out by the write's token (`write.ts`).
 * F2 Nothing unknown is tried again: a new kind of refusal shows at once, with the server's own words.
 */
import { systemCode, toError, UserError } from "../../base/errors.ts";

export type Failure =
  | {
      readonly kind: "temporary";
      readonly code: string;
      readonly retryAfterMs: number | null;
      /** The server asked for fewer requests. */
      readonly isSlowDown: boolean;
    }
  /** The server counts another time. The SDK has set its clock by the answer, so the next try may pass. */
  | { readonly kind: "skewed" }
  /** Fresh credentials may exist, where they come from a service. */
  | { readonly kind: "expired" }
  | { readonly kind: "user"; readonly code: string; readonly hint: string }
  | { readonly kind: "bug" };

/** An answer that came and cannot be used: cut off, damaged, of another version. Trying again may help. */
export class UnusableAnswer extends Error {
  override readonly name = "UnusableAnswer";
}

const credentials =
  "check AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the pod's service account";

const nameAnother =
  "name another: --store (or HUELINE_STORE) of a run, `source` of a shard stage";

const remedies: Readonly<Record<string, readonly [string, string]>> = {
  AccessDenied: [
    "store.denied",
    "allow s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload on the prefix, and s3:ListBucket on the bucket",
  ],
  AllAccessDisabled: ["store.denied", "the bucket's owner has to unlock it"],
  AccountProblem: ["store.denied", "the bucket's account has to be unlocked"],
  NoSuchBucket: ["store.no-bucket", `make the bucket, or ${nameAnother}`],
  InvalidBucketName: ["store.no-bucket", nameAnother],
  InvalidAccessKeyId: ["store.credentials", credentials],
  SignatureDoesNotMatch: ["store.credentials", credentials],
  InvalidToken: ["store.credentials", credentials],
  // versitygw's word for an access key that it does not know.
  XAdminUserNotFound: ["store.credentials", credentials],
  InvalidSecurity: ["store.credentials", credentials],
  CredentialsProviderError: ["store.credentials", credentials],
  TokenProviderError: ["store.credentials", credentials],
  PermanentRedirect: ["store.region", "set AWS_REGION to the bucket's region"],
  AuthorizationHeaderMalformed: [
    "store.region",
    "set AWS_REGION to the bucket's region",
  ],
  QuotaExceeded: ["store.quota", "free some space or ask for a larger quota"],
  XMinioStorageFull: ["store.full", "free some space on the server"],
  InsufficientStorage: ["store.full", "free some space on the server"],
  EntityTooLarge: [
    "store.file-too-large",
    "the server takes no object of this size",
  ],
  KeyTooLongError: ["store.name-too-long", "choose a shorter prefix"],
  ObjectParentIsFile: [
    "store.not-a-folder",
    "this server keeps objects as files: an object stands where a folder is needed; move it away",
  ],
  NotImplemented: [
    "store.unsafe",
    "this server lacks what a safe write needs; use another one",
  ],
};

const certificateCodes =
  /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|EPROTO|WRONG_VERSION/;

const networkCodes: ReadonlySet<string> = new Set([
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "EMFILE",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ERR_STREAM_PREMATURE_CLOSE",
  "ETIMEDOUT",
]);

const temporaryNames: ReadonlySet<string> = new Set([
  // Damaged on the way up; the server refused it.
  "BadDigest",
  "XAmzContentChecksumMismatch",
  "XAmzContentSHA256Mismatch",
  "IncompleteBody",
  // Two writes at once; neither is known to have won.
  "ConditionalRequestConflict",
  "OperationAborted",
  // versitygw keeps objects as files: it says so, rarely, while others remove the last objects of the folder.
  "ExistingObjectIsDirectory",
  "InternalError",
  "RequestTimeout",
  "RequestTimeoutException",
  "ServiceUnavailable",
  "SlowDown",
  "ThrottlingException",
  "TimeoutError",
  "UnusableAnswer",
]);

export function toFailure(thrown: unknown): Failure {
  const { name, status, answer } = describeThrown(thrown);
  const remedy = remedies[name];
  if (remedy) return { kind: "user", code: remedy[0], hint: remedy[1] };
  if (name === "RequestTimeTooSkewed") return { kind: "skewed" };
  if (name === "ExpiredToken" || name === "ExpiredTokenException")
    return { kind: "expired" };
  const isSlowDown = name === "SlowDown" || status === 503 || status === 429;
  if (isSlowDown || isTemporary(name, status, thrown))
    return {
      kind: "temporary",
      code: toCode(name, status, thrown),
      retryAfterMs: toRetryAfterMs(answer?.headers?.["retry-after"]),
      isSlowDown,
    };
  if (certificateCodes.test(systemCode(thrown) ?? ""))
    return {
      kind: "user",
      code: "store.certificate",
      hint: "set NODE_EXTRA_CA_CERTS to a file with the authority that signed the endpoint's certificate; or the endpoint speaks http, not https",
    };
  if (status === 501) return toUser("NotImplemented");
  if (status === 507) return toUser("InsufficientStorage");
  if (status === 401 || status === 403) return toUser("AccessDenied");
  if (status === 301 || status === 307) return toUser("PermanentRedirect");
  return { kind: "bug" };
}

/** The status of the answer that an error came with, or null. */
export function toStatus(thrown: unknown): number | null {
  return describeThrown(thrown).status;
}

/** The code in the answer's body: `NoSuchKey`; the error's own name where there is none. */
export function toName(thrown: unknown): string {
  return describeThrown(thrown).name;
}

function toUser(name: string): Failure {
  const [code = "", hint = ""] = remedies[name] ?? [];
  return { kind: "user", code, hint };
}

function isTemporary(
  name: string,
  status: number | null,
  thrown: unknown,
): boolean {
  if (temporaryNames.has(name)) return true;
  const code = systemCode(thrown);
  if (code !== null && networkCodes.has(code)) return true;
  if (status === null) return /socket hang up|aborted/.test(String(thrown));
  // An answer of success that cannot be understood was damaged on its way.
  const isGarbled = status < 300;
  return isGarbled || (status >= 500 && status !== 501 && status !== 507);
}

/** An answer without a body, as to a HEAD, is an `Unknown` or `UnknownError` to the SDK: its status tells more. */
function toCode(name: string, status: number | null, thrown: unknown): string {
  const isNamed = !/^(Unknown)?(Error)?$/.test(name);
  const word = systemCode(thrown) ?? (isNamed ? name : null);
  return `store.${(word ?? String(status ?? "network")).toLowerCase()}`;
}

type Thrown = {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: Answer;
};
type Answer = {
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, string>>;
};

function describeThrown(thrown: unknown): {
  readonly name: string;
  readonly status: number | null;
  readonly answer: Answer | null;
} {
  const error: Error & Thrown = toError(thrown);
  const answer = error.$response ?? null;
  return {
    name: error.name,
    status: error.$metadata?.httpStatusCode ?? answer?.statusCode ?? null,
    answer,
  };
}

/** Seconds, as S3 servers send them; a date is left to the back-off. */
function toRetryAfterMs(header: string | undefined): number | null {
  const seconds = Number(header);
  return header !== undefined && seconds >= 0 ? seconds * 1000 : null;
}

/** The error that people see, with what was done, where, and the server's words. */
export function createUserError(
  where: string,
  failure: { readonly code: string; readonly hint: string },
  thrown: unknown,
): UserError {
  const { name, message } = toError(thrown);
  const words =
    message === "" || message === name ? name : `${name}: ${message}`;
  return new UserError({
    code: failure.code,
    message: `${where}: ${words}`,
    hint: failure.hint,
    cause: thrown,
  });
}
