/** Where the store's region, endpoint and credentials come from: AWS's own configuration, in a process of its own. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
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
