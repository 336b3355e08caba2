/**
 * A test server and stores on it for one test, closed after it, and faults for single requests.
 */
import { onTestFinished } from "vitest";
import { createS3Store } from "../../../src/store/s3.ts";
import type { S3Store, S3StoreOptions } from "../../../src/store/s3.ts";
import type { Fault, RequestView } from "./faults.ts";
import { startS3TestServer } from "./server.ts";
import type { S3TestServer, S3TestServerOptions } from "./server.ts";
import { toS3Options } from "./store-options.ts";

export async function start(
  serverOptions: S3TestServerOptions = {},
  change: (options: S3StoreOptions) => Partial<S3StoreOptions> = () => ({}),
): Promise<{ server: S3TestServer; store: S3Store }> {
  const server = await startS3TestServer(serverOptions);
  onTestFinished(() => server.close());
  return { server, store: openOn(server, change) };
}

export function openOn(
  server: S3TestServer,
  change: (options: S3StoreOptions) => Partial<S3StoreOptions> = () => ({}),
): S3Store {
  const options = toS3Options(server);
  const limits = { tries: 4, firstDelayMs: 1, maxDelayMs: 2 };
  const store = createS3Store({ ...options, limits, ...change(options) });
  onTestFinished(() => store.close());
  return store;
}

export const withConnection =
  (connection: S3StoreOptions["connection"]) =>
  (options: S3StoreOptions): Partial<S3StoreOptions> => ({
    connection: { ...options.connection, ...connection },
  });

/** The fault for the first requests that match, in order. */
export function failFirst(
  server: S3TestServer,
  matches: (request: RequestView) => boolean,
  ...faults: readonly Fault[]
): void {
  const left = [...faults];
  server.setFaults((request) =>
    matches(request) ? (left.shift() ?? null) : null,
  );
}

export const to =
  (method: string, end = "") =>
  (request: RequestView): boolean =>
    request.method === method &&
    request.key.endsWith(end) &&
    !request.key.includes(".probe");

export const text = (value: string): Uint8Array =>
  new TextEncoder().encode(value);

export async function thrownBy(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => {
      throw new Error("nothing was thrown");
    },
    (thrown: unknown) => thrown,
  );
}

/** Requests for one object since `before`. */
export function requestsFor(
  server: S3TestServer,
  path: string,
  before = 0,
): string[] {
  return server.requests
    .slice(before)
    .filter((request) => request.endsWith(path))
    .map((request) => request.split(" ")[0] ?? "");
}
