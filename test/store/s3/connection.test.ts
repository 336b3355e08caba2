/** Where the store's region, endpoint and credentials come from: AWS's own configuration, in a process of its own. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { startS3TestServer } from "../../support/s3-server/server.ts";
import type { S3TestServer } from "../../support/s3-server/server.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const script = new URL(
  "../../support/s3-server/configured-store.ts",
  import.meta.url,
).pathname;

async function start(): Promise<S3TestServer> {
  const server = await startS3TestServer();
  onTestFinished(() => server.close());
  return server;
}

/** Nothing of the machine's own configuration is seen. */
async function runWith(
  url: string,
  variables: Readonly<Record<string, string>>,
): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [script, url],
    {
      env: {
        PATH: process.env["PATH"],
        HOME: "/nonexistent",
        AWS_EC2_METADATA_DISABLED: "true",
        ...variables,
      },
    },
  );
  return stdout;
}

/** Passes requests on, and counts them. */
async function startProxy(): Promise<{ url: string; passed(): number }> {
  let passed = 0;
  const proxy = http.createServer((request, response) => {
    passed++;
    const { method = "GET", headers } = request;
    const onward = http.request(request.url ?? "", { method, headers });
    onward.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const { port } = proxy.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, passed: () => passed };
}

describe("the store is configured as every AWS tool is:", () => {
  test("by the environment; no region is needed where the endpoint is not AWS's", async () => {
    const server = await start();
    const output = await runWith(`s3://${server.bucket}/p`, {
      AWS_ENDPOINT_URL: server.endpoint,
      AWS_ACCESS_KEY_ID: server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    });
    expect(output).toBe("hello");
    expect(server.state.keys()).toEqual(["p/greeting"]);
  });

  test("by a profile with endpoint, region and keys", async () => {
    const server = await start();
    const folder = await createTemporaryFolder();
    await writeFile(
      `${folder}/config`,
      `[profile lab]\nregion = eu-north-1\nendpoint_url = ${server.endpoint}\n`,
    );
    await writeFile(
      `${folder}/credentials`,
      `[lab]\naws_access_key_id = ${server.accessKeyId}\naws_secret_access_key = ${server.secretAccessKey}\n`,
    );
    const output = await runWith(`s3://${server.bucket}`, {
      AWS_PROFILE: "lab",
      AWS_CONFIG_FILE: `${folder}/config`,
      AWS_SHARED_CREDENTIALS_FILE: `${folder}/credentials`,
    });
    expect(output).toBe("hello");
  });

  test("through a proxy, where Node is told to heed it: every request goes that way", async () => {
    const server = await start();
    const proxy = await startProxy();
    const output = await runWith(`s3://${server.bucket}/p`, {
      AWS_ENDPOINT_URL: server.endpoint,
      AWS_ACCESS_KEY_ID: server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
      NODE_USE_ENV_PROXY: "1",
      HTTP_PROXY: proxy.url,
    });
    expect(output).toBe("hello");
    expect(proxy.passed()).toBe(server.requests.length);
    expect(proxy.passed()).toBeGreaterThan(0);
  });

  test("and what it lacks is said: credentials, a region", async () => {
    const server = await start();
    const url = `s3://${server.bucket}`;
    expect(await runWith(url, { AWS_ENDPOINT_URL: server.endpoint })).toMatch(
      /^store\.credentials: /,
    );
    expect(
      await runWith(url, {
        AWS_ACCESS_KEY_ID: "a",
        AWS_SECRET_ACCESS_KEY: "b",
      }),
    ).toMatch(/^store\.region: /);
  });
});
