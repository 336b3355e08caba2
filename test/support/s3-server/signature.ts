/**
 * AWS Signature Version 4, the server's side, written against AWS's description of it and not with a client's library:
 * what any client sends, through an SDK, a socket of its own or a presigned URL, is computed again and compared.
 */
import { createHash, createHmac } from "node:crypto";
import { S3Error } from "./bucket-state.ts";

export type SignedRequest = {
  readonly method: string;
  /** As it stands in the request line: path and query, encoded. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
};

export type Keys = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
};

type Claim = {
  readonly credential: readonly string[];
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly date: string;
  readonly payloadHash: string;
  readonly token: string | undefined;
  /** Of a presigned URL. */
  readonly validForSeconds: number | null;
};

const maxSkewMs = 15 * 60_000;
const longestLinkSeconds = 7 * 24 * 3600;

/** Throws the `S3Error` that S3 answers a request with whose signature does not hold. */
export function checkSignature(
  request: SignedRequest,
  options: {
    readonly keys: Keys;
    readonly nowMs: number;
    isExpired(token: string): boolean;
  },
): void {
  const url = new URL(request.target, "http://server");
  const claim = url.searchParams.has("X-Amz-Signature")
    ? toUrlClaim(url.searchParams)
    : toHeaderClaim(request.headers);
  const [keyId = ""] = claim.credential;
  if (keyId !== options.keys.accessKeyId)
    throw new S3Error(403, "InvalidAccessKeyId");
  checkTime(claim, options.nowMs);
  if (claim.token !== undefined && options.isExpired(claim.token))
    throw new S3Error(400, "ExpiredToken");
  checkSignedHeaders(claim, request.headers);
  const wanted = sign(request, url, claim, options.keys.secretAccessKey);
  if (wanted !== claim.signature)
    throw new S3Error(403, "SignatureDoesNotMatch");
}

function toHeaderClaim(headers: SignedRequest["headers"]): Claim {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers["authorization"] ?? "",
    );
  const [, credential, names, signature] = match ?? [];
  if (!credential || !names || !signature)
    throw new S3Error(403, "AccessDenied");
  return {
    credential: credential.split("/"),
    signedHeaders: names.split(";"),
    signature,
    date: headers["x-amz-date"] ?? "",
    payloadHash: headers["x-amz-content-sha256"] ?? "",
    token: headers["x-amz-security-token"],
    validForSeconds: null,
  };
}

function toUrlClaim(query: URLSearchParams): Claim {
  const take = (name: string): string => query.get(`X-Amz-${name}`) ?? "";
  const validForSeconds = Number(take("Expires"));
  const isSound =
    take("Algorithm") === "AWS4-HMAC-SHA256" &&
    validForSeconds >= 1 &&
    validForSeconds <= longestLinkSeconds;
  if (!isSound) throw new S3Error(400, "AuthorizationQueryParametersError");
  return {
    credential: take("Credential").split("/"),
    signedHeaders: take("SignedHeaders").split(";"),
    signature: take("Signature"),
    date: take("Date"),
    payloadHash: "UNSIGNED-PAYLOAD",
    token: query.get("X-Amz-Security-Token") ?? undefined,
    validForSeconds,
  };
}

function checkTime(claim: Claim, nowMs: number): void {
  const iso = claim.date.replace(
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/,
    "$1-$2-$3T$4:$5:$6Z",
  );
  const ageMs = nowMs - Date.parse(iso);
  if (claim.validForSeconds === null) {
    if (!(Math.abs(ageMs) < maxSkewMs))
      throw new S3Error(403, "RequestTimeTooSkewed");
    return;
  }
  if (!(ageMs > -maxSkewMs && ageMs < claim.validForSeconds * 1000))
    throw new S3Error(403, "AccessDenied");
}

/** S3 wants the host and every `x-amz-` header signed, or a proxy could change them. */
function checkSignedHeaders(
  { signedHeaders }: Claim,
  headers: SignedRequest["headers"],
): void {
  const unsigned = Object.keys(headers).filter(
    (name) =>
      (name === "host" || name.startsWith("x-amz-")) &&
      !signedHeaders.includes(name),
  );
  if (unsigned.length > 0) throw new S3Error(403, "AccessDenied");
}

function sign(
  { method, headers }: SignedRequest,
  url: URL,
  claim: Claim,
  secret: string,
): string {
  const query = [...url.searchParams]
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort();
  const canonical = [
    method,
    url.pathname
      .split("/")
      .map((segment) => encode(decodeURIComponent(segment)))
      .join("/"),
    query.join("&"),
    ...claim.signedHeaders.map(
      (name) => `${name}:${(headers[name] ?? "").trim().replace(/ +/g, " ")}`,
    ),
    "",
    claim.signedHeaders.join(";"),
    claim.payloadHash,
  ].join("\n");
  const [, ...scope] = claim.credential;
  const toSign = [
    "AWS4-HMAC-SHA256",
    claim.date,
    scope.join("/"),
    createHash("sha256").update(canonical).digest("hex"),
  ].join("\n");
  const key = scope.reduce<Buffer | string>(hmac, `AWS4${secret}`);
  return hmac(key, toSign).toString("hex");
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

/** AWS's encoding: all but unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
