/** Credentials that a service hands out for a while, as clusters do, and what happens when they expire. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { startS3TestServer } from "../../support/s3-server/server.ts";
import type { S3TestServer } from "../../support/s3-server/server.ts";

const script = new URL(
  "../../support/s3-server/configured-store.ts",
  import.meta.url,
).pathname;

/** Hands out `token-1`, `token-2`, …, the last of them again and again. */
async function startIssuer(
  server: S3TestServer,
  tokens: number,
): Promise<string> {
  let issued = 0;
  const issuer = createServer((_request, response) => {
    issued = Math.min(tokens, issued + 1);
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({
        AccessKeyId: server.accessKeyId,
        SecretAccessKey: server.secretAccessKey,
        Token: `token-${issued}`,
        // By its own word good for an hour more: the server knows better.
        Expiration: new Date(Date.now() + 3_600_000).toISOString(),
      }),
    );
  });
  issuer.listen(0, "127.0.0.1");
  await once(issuer, "listening");
  onTestFinished(() => {
    issuer.closeAllConnections();
    issuer.close();
  });
  return `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/credentials`;
}

/** Writes and reads an object; the first token is refused from the first read of it on. */
async function runUntilExpiry(tokens: number): Promise<string> {
  const server = await startS3TestServer();
  onTestFinished(() => server.close());
  server.setFaults(({ method, key }) => {
    if (method === "GET" && key.endsWith("greeting")) server.expire("token-1");
    return null;
  });
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [script, `s3://${server.bucket}/p`],
    {
      env: {
        PATH: process.env["PATH"],
        HOME: "/nonexistent",
        AWS_ENDPOINT_URL: server.endpoint,
        AWS_CONTAINER_CREDENTIALS_FULL_URI: await startIssuer(server, tokens),
      },
    },
  );
  return stdout;
}

describe("a session token that expires in the middle of the work", () => {
  test("is replaced by a new one, and nobody notices", async () => {
    expect(await runUntilExpiry(2)).toBe("hello");
  });

  test("and is handed out again all the same, is an error that says so", async () => {
    expect(await runUntilExpiry(1)).toMatch(
      /^store\.credentials: .*ExpiredToken/,
    );
  });
});
