/**
 * Where a bucket is and how requests to it are signed, found by asking the SDK: its rules of endpoints (dual stack, FIPS,
 * path style, dots in names) and of credentials stay its own, and are not written a second time.
 */
import type { Connection } from "../connection.ts";
import type { Server } from "./line.ts";
import type { Keys } from "./sign.ts";

export type Address = Server & {
  /** Before the key: `/bucket/` or `/`. */
  readonly basePath: string;
  readonly signingRegion: string;
};

/** Where requests go, and what signs them. The SDK's configuration is such a `signing`. */
export type Access = {
  readonly address: Address;
  readonly signing: {
    credentials(): Promise<Keys>;
    /** Milliseconds by which the server's clock is ahead; whoever learns it sets it. */
    systemClockOffset: number;
  };
};

/** Null: only the SDK can speak to this bucket. */
export async function findAccess(
  connection: Connection,
  bucket: string,
): Promise<Access | null> {
  const address = await findAddress(connection, bucket);
  return address && { address, signing: connection.client.config };
}

/** Null: requests are signed in a way that only the SDK knows (directory buckets). */
export async function findAddress(
  { sdk, client }: Connection,
  bucket: string,
): Promise<Address | null> {
  // S3 Express: a session has to be made first.
  if (bucket.endsWith("--x-s3")) return null;
  let found: Address | null = null;
  const command = new sdk.GetObjectCommand({ Bucket: bucket, Key: "k" });
  // The last step before the network, which is not reached.
  command.middlewareStack.add(
    () => async (args) => {
      found = toAddress(args.request as Signed);
      return { response: {}, output: { $metadata: {} } };
    },
    { step: "deserialize", priority: "high", name: "findAddress" },
  );
  await client.send(command);
  return found;
}

type Signed = {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
};

function toAddress(request: Signed): Address | null {
  const { protocol, hostname, path, headers } = request;
  const scope = /Credential=[^,]*\/\d{8}\/([^/,]+)\/s3\/aws4_request,/;
  const region = scope.exec(headers["authorization"] ?? "")?.[1];
  const isPlain = protocol === "http:" || protocol === "https:";
  if (region === undefined || !isPlain || !path.endsWith("/k")) return null;
  return {
    protocol,
    hostname,
    port: request.port ?? (protocol === "https:" ? 443 : 80),
    basePath: path.slice(0, -1),
    signingRegion: region,
  };
}
