/** URLs that open an object for a while, signed by the SDK's signer with its client's credentials. No request is sent. */
import { createRequire } from "node:module";
import type * as signing from "@smithy/signature-v4";
import type { Clock } from "../../../base/clock.ts";
import { UserError } from "../../../base/errors.ts";
import type { Connection } from "../connection.ts";
import { findAddress } from "./address.ts";
import { escape, escapeKey } from "./escape.ts";

const maxLinkSeconds = 7 * 24 * 3600;
/** Of a body that is not known when a link is made. */
const unsigned = "UNSIGNED-PAYLOAD";

const typeParameter = "response-content-type";
const htmlType = "text/html; charset=utf-8";

/**
 * A URL that reads a key for so long, or for as long as the credentials are valid if that is shorter. Null: requests to
 * this bucket are signed in a way that only the SDK knows. Throws `store.link` (UserError) for more than seven days: S3
 * knows no longer one.
 */
export async function createLink(options: {
  readonly connection: Connection;
  readonly bucket: string;
  readonly key: string;
  readonly validForSeconds: number;
  readonly clock: Clock;
}): Promise<string | null> {
  const { connection, key, validForSeconds, clock } = options;
  const address = await findAddress(connection, options.bucket);
  if (address === null) return null;
  checkValidity(validForSeconds);
  const { protocol, hostname, port, basePath } = address;
  const { config } = connection.client;
  // As the SDK is loaded (`../connection.ts`), and for the same reason.
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
  const path = basePath + escapeKey(key);
  const { query = {} } = await signature.presign(
    {
      method: "GET",
      protocol,
      hostname,
      ...(isUsual ? {} : { port }),
      path,
      // Objects are written without a type, and a browser shows a page only if it is told that it is one.
      query: key.endsWith(".html") ? { [typeParameter]: htmlType } : {},
      headers: { host, "x-amz-content-sha256": unsigned },
    },
    {
      expiresIn: validForSeconds,
      signingDate: new Date(clock.now() + config.systemClockOffset),
    },
  );
  const search = Object.entries(query).map(
    ([name, value]) => `${escape(name)}=${escape(String(value))}`,
  );
  return `${protocol}//${host}${path}?${search.join("&")}`;
}

function checkValidity(seconds: number): void {
  if (seconds > 0 && seconds <= maxLinkSeconds) return;
  throw new UserError({
    code: "store.link",
    message: `a link to an S3 object cannot be valid for ${seconds} seconds: at most ${maxLinkSeconds} (7 days)`,
    hint: "ask for a shorter time, and make a new link when it is over",
  });
}
