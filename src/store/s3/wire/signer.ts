/**
 * Requests signed for S3 (AWS Signature Version 4), with the SDK's credentials and its idea of the server's clock: what
 * the SDK's client learns, requests of ours use, and the other way round.
 */
import { createRequire } from "node:module";
import type * as signing from "@smithy/signature-v4";
import type { Clock } from "../../../base/clock.ts";
import { UserError } from "../../../base/errors.ts";
import type { Connection } from "../connection.ts";
import type { Address } from "./address.ts";

/** Of an empty body, and of one that is not known when a link is made. */
const emptySha256 =
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const maxLinkSeconds = 7 * 24 * 3600;
const unsigned = "UNSIGNED-PAYLOAD";

const typeParameter = "response-content-type";
const htmlType = "text/html; charset=utf-8";

export type Signer = {
  /** A GET of a key, ready to be written to a connection. */
  sign(key: string, headers: Readonly<Record<string, string>>): Promise<string>;
  /**
   * A URL that reads a key for so long, or for as long as the credentials are valid if that is shorter. Throws
   * `store.link` (UserError) for more than seven days: S3 knows no longer one.
   */
  presign(key: string, validForSeconds: number): Promise<string>;
  /** The server counts another time: it answered at `date`. */
  setClock(date: string | undefined): void;
};

export function createSigner(
  { client }: Connection,
  address: Address,
  clock: Clock,
): Signer {
  const { protocol, hostname, port, basePath } = address;
  const { config } = client;
  // As the SDK is loaded (`connection.ts`), and for the same reason.
  const { SignatureV4 } = createRequire(import.meta.url)(
    "@smithy/signature-v4",
  ) as typeof signing;
  const signature = new SignatureV4({
    service: "s3",
    region: address.signingRegion,
    credentials: config.credentials,
    sha256: config.sha256,
    // S3 signs paths as they are sent.
    uriEscapePath: false,
    applyChecksum: false,
  });
  const isUsual = port === (protocol === "https:" ? 443 : 80);
  const host = isUsual ? hostname : `${hostname}:${port}`;
  const toRequest = (
    key: string,
    headers: Record<string, string>,
    query: Record<string, string> = {},
  ) => ({
    method: "GET",
    protocol,
    hostname,
    ...(isUsual ? {} : { port }),
    path: basePath + key.split("/").map(escape).join("/"),
    query,
    headers: { host, ...headers },
  });
  const signingDate = (): Date =>
    new Date(clock.now() + config.systemClockOffset);

  return {
    async sign(key, headers) {
      const request = toRequest(key, {
        ...headers,
        "x-amz-content-sha256": emptySha256,
      });
      const signed = await signature.sign(request, {
        signingDate: signingDate(),
      });
      const lines = Object.entries(signed.headers).map(
        ([name, value]) => `${name}: ${value}\r\n`,
      );
      return `GET ${request.path} HTTP/1.1\r\n${lines.join("")}\r\n`;
    },

    async presign(key, validForSeconds) {
      checkValidity(validForSeconds);
      // Objects are written without a type, and a browser shows a page only if it is told that it is one.
      const type = key.endsWith(".html") ? { [typeParameter]: htmlType } : {};
      const request = toRequest(
        key,
        { "x-amz-content-sha256": unsigned },
        type,
      );
      const { query = {} } = await signature.presign(request, {
        expiresIn: validForSeconds,
        signingDate: signingDate(),
      });
      const search = Object.entries(query).map(
        ([name, value]) => `${escape(name)}=${escape(String(value))}`,
      );
      return `${protocol}//${host}${request.path}?${search.join("&")}`;
    },

    setClock(date) {
      const serverMs = Date.parse(date ?? "");
      if (!Number.isNaN(serverMs))
        config.systemClockOffset = serverMs - clock.now();
    },
  };
}

function checkValidity(seconds: number): void {
  if (seconds > 0 && seconds <= maxLinkSeconds) return;
  throw new UserError({
    code: "store.link",
    message: `a link to an S3 object cannot be valid for ${seconds} seconds: at most ${maxLinkSeconds} (7 days)`,
    hint: "ask for a shorter time, and make a new link when it is over",
  });
}

/** As RFC 3986 has it, and the signature wants it: more than `encodeURIComponent` leaves alone is escaped. */
function escape(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
