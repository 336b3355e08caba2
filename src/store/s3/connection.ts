/**
 * The SDK's client, set up the standard AWS way: environment, profiles, web identity, `AWS_ENDPOINT_URL[_S3]`.
 * The SDK is loaded here, when the first request that needs it is sent (`plain-access.ts`), and nowhere else.
 *
 * Differences from the SDK's defaults, each for a reason:
 * - one try a request: `retry.ts` tries again, since it must know which writes may have been done;
 * - checksums only where the protocol wants one: ours come from zlib, and the default's framing (aws-chunked) is
 *   stored inside the object by some servers;
 * - large bodies in slices (`slices.ts`);
 * - no `Expect: 100-continue`: it costs a connection for each large request;
 * - endpoints that are not AWS's: path style, and `us-east-1` where no region is configured;
 * - a proxy where Node was told to use one, which agents of the SDK's own do not learn.
 */
import { createRequire } from "node:module";
import type * as sdkTypes from "@aws-sdk/client-s3";
import { UserError } from "../../base/errors.ts";
import { sendInSlices } from "./slices.ts";

type Sdk = typeof sdkTypes;

export type Connection = {
  readonly sdk: Sdk;
  readonly client: sdkTypes.S3Client;
};

export type ConnectionOptions = {
  /** Instead of the configured one. */
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  };
  readonly maxSockets: number;
  /** A socket without a byte for so long is given up. */
  readonly idleTimeoutMs: number;
  readonly connectTimeoutMs: number;
};

/**
 * Throws `store.region` (UserError) where AWS's own endpoint is used and no region is configured, `store.endpoint` for
 * an endpoint that is no URL.
 */
export async function connect(options: ConnectionOptions): Promise<Connection> {
  const sdk = loadSdk();
  const endpoint = options.endpoint ?? (await findConfiguredEndpoint(sdk));
  if (endpoint !== null) checkEndpoint(endpoint);
  const isAws = endpoint === null || isAwsHost(endpoint);
  const region = options.region ?? (await findRegion(sdk));
  if (region === null && isAws) throw noRegion();
  const proxyEnv = await findProxy();
  const sockets = {
    keepAlive: true,
    maxSockets: options.maxSockets,
    ...(proxyEnv === null ? {} : { proxyEnv }),
  };
  const config: sdkTypes.S3ClientConfig = {
    ...(endpoint === null ? {} : { endpoint }),
    ...(options.credentials ? { credentials: options.credentials } : {}),
    region: region ?? "us-east-1",
    forcePathStyle: !isAws,
    maxAttempts: 1,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    expectContinueHeader: false,
    requestHandler: {
      httpAgent: sockets,
      httpsAgent: sockets,
      connectionTimeout: options.connectTimeoutMs,
      socketTimeout: options.idleTimeoutMs,
    },
  };
  const client = new sdk.S3Client(config);
  askForChecksums(client);
  sendInSlices(client);
  return { sdk, client };
}

/**
 * HTTP_PROXY, HTTPS_PROXY and NO_PROXY where Node was told to heed them (NODE_USE_ENV_PROXY=1 or --use-env-proxy): it
 * gives them to its global agent. Agents of our own do not inherit them. Null: there is none.
 */
export async function findProxy(): Promise<unknown> {
  // Of both global agents the one whose module does not load Node's fetch as well.
  const { globalAgent } = await import("node:https");
  // Documented, and missing from the types.
  const agent: { readonly options?: { readonly proxyEnv?: unknown } } =
    globalAgent as object;
  return agent.options?.proxyEnv ?? null;
}

/** `import` would look through all its text for names first: a third of the time that loading it takes. */
function loadSdk(): Sdk {
  return createRequire(import.meta.url)("@aws-sdk/client-s3") as Sdk;
}

/**
 * Asks for the stored CRC-32 of what is read. The SDK's own option would also have it computed a second time, in
 * JavaScript.
 */
function askForChecksums(client: sdkTypes.S3Client): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const { request } = args as { request?: { headers?: unknown } };
      if (context.commandName === "GetObjectCommand" && request?.headers)
        Object.assign(request.headers, { "x-amz-checksum-mode": "ENABLED" });
      return next(args);
    },
    { step: "build", name: "askForChecksums" },
  );
}

/** Whether the credentials changed when they were asked for anew. */
export async function refreshCredentials({
  client,
}: Connection): Promise<boolean> {
  const { credentials } = client.config;
  const before = await credentials();
  const after = await credentials({ forceRefresh: true });
  return (
    before.accessKeyId !== after.accessKeyId ||
    before.sessionToken !== after.sessionToken
  );
}

async function findConfiguredEndpoint(sdk: Sdk): Promise<string | null> {
  const client = new sdk.S3Client({ region: "us-east-1" });
  try {
    const configured: unknown =
      await client.config.serviceConfiguredEndpoint?.();
    return typeof configured === "string" && configured !== ""
      ? configured
      : null;
  } finally {
    client.destroy();
  }
}

async function findRegion(sdk: Sdk): Promise<string | null> {
  const client = new sdk.S3Client({});
  try {
    return await client.config.region();
  } catch (thrown) {
    if (String(thrown).includes("Region is missing")) return null;
    throw thrown;
  } finally {
    client.destroy();
  }
}

export function isAwsHost(endpoint: string): boolean {
  const host = URL.canParse(endpoint) ? new URL(endpoint).hostname : "";
  return /(^|\.)amazonaws\.com(\.cn)?$/.test(host);
}

/** `localhost:9000` would be taken for a URL of the scheme `localhost`. */
function checkEndpoint(endpoint: string): void {
  if (URL.canParse(endpoint) && /^https?:\/\//i.test(endpoint)) return;
  throw new UserError({
    code: "store.endpoint",
    message: `the S3 endpoint '${endpoint}' is not an http: or https: URL`,
    hint: "set AWS_ENDPOINT_URL_S3 (or endpoint_url in the profile) to something like http://localhost:9000",
  });
}

function noRegion(): UserError {
  return new UserError({
    code: "store.region",
    message: "no AWS region is configured for the S3 store",
    hint: "set AWS_REGION, or `region` in the profile; for a server that is not AWS, set AWS_ENDPOINT_URL_S3",
  });
}
