/**
 * Reading without the SDK, which takes 100 ms of a process to load and to answer where its bucket is: three times as long
 * as everything else that a first read needs. Only where the environment says all there is to say, in the way that most
 * containers have it, and nothing else could say otherwise:
 *
 * - keys, and an endpoint that is not AWS's (its hosts follow rules that stay the SDK's);
 * - no profile, no configuration files, and no `AWS_…` variable that is not listed here.
 *
 * In every other case the SDK is asked.
 */
import { access } from "node:fs/promises";
import * as path from "node:path";
import { systemCode } from "../../base/errors.ts";
import { isAwsHost } from "./connection.ts";
import type { Access } from "./wire/address.ts";

export type Variables = Readonly<Record<string, string | undefined>>;

/** The first ones are used; the SDK heeds none of the others beside keys in the environment. */
const known: ReadonlySet<string> = new Set([
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_REGION",
  "AWS_ENDPOINT_URL",
  "AWS_ENDPOINT_URL_S3",
  "AWS_CA_BUNDLE",
  "AWS_DEFAULT_OUTPUT",
  "AWS_DEFAULT_REGION",
  "AWS_EC2_METADATA_DISABLED",
  "AWS_PAGER",
]);

/** Null: ask the SDK. */
export async function findPlainAccess(
  bucket: string,
  variables: Variables,
): Promise<Access | null> {
  const accessKeyId = variables["AWS_ACCESS_KEY_ID"];
  const secretAccessKey = variables["AWS_SECRET_ACCESS_KEY"];
  const given =
    variables["AWS_ENDPOINT_URL_S3"] || variables["AWS_ENDPOINT_URL"];
  const isPlain =
    Object.keys(variables).every(
      (name) => !name.startsWith("AWS_") || known.has(name),
    ) && /^[a-z0-9][a-z0-9.-]+[a-z0-9]$/.test(bucket);
  if (!isPlain || !accessKeyId || !secretAccessKey || !given) return null;
  const address = toAddress(given, bucket, variables["AWS_REGION"]);
  if (address === null || !(await hasNoFiles(variables["HOME"]))) return null;
  const sessionToken = variables["AWS_SESSION_TOKEN"] || undefined;
  const keys = { accessKeyId, secretAccessKey, sessionToken };
  const credentials = (): Promise<typeof keys> => Promise.resolve(keys);
  return { address, signing: { credentials, systemClockOffset: 0 } };
}

/** Path style, as `connection.ts` asks of the SDK. */
function toAddress(
  endpoint: string,
  bucket: string,
  region: string | undefined,
): Access["address"] | null {
  // Directory buckets: a session has to be made first.
  if (!URL.canParse(endpoint) || bucket.endsWith("--x-s3")) return null;
  const { protocol, hostname, port, href, origin } = new URL(endpoint);
  if (protocol !== "http:" && protocol !== "https:") return null;
  // A path, a user or a query: unusual, and the SDK's to understand.
  if (isAwsHost(endpoint) || href !== `${origin}/`) return null;
  return {
    protocol,
    hostname,
    port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port),
    basePath: `/${bucket}/`,
    signingRegion: region || "us-east-1",
  };
}

async function hasNoFiles(home: string | undefined): Promise<boolean> {
  if (!home) return false;
  const files = ["config", "credentials"].map((name) =>
    isAbsent(path.join(home, ".aws", name)),
  );
  return (await Promise.all(files)).every(Boolean);
}

async function isAbsent(file: string): Promise<boolean> {
  try {
    await access(file);
    return false;
  } catch (thrown) {
    // What cannot be looked at may be there.
    return systemCode(thrown) === "ENOENT";
  }
}
