/** When the environment says all that a read needs, and that the SDK is asked in every other case. */
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { describe, expect, onTestFinished, test } from "vitest";
import { findPlainAccess } from "../../../src/store/s3/plain-access.ts";
import { createS3Store } from "../../../src/store/s3.ts";
import { startS3TestServer } from "../../support/s3-server/server.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const environment = {
  AWS_ACCESS_KEY_ID: "a",
  AWS_SECRET_ACCESS_KEY: "b",
  AWS_ENDPOINT_URL_S3: "https://s3.lab.example",
  HOME: "/nonexistent",
};

describe("an environment says all", () => {
  test.each([
    {
      how: "with keys and an endpoint",
      given: {},
      want: {
        protocol: "https:",
        hostname: "s3.lab.example",
        port: 443,
        signingRegion: "us-east-1",
      },
    },
    {
      how: "with a region, an endpoint for all services and a port",
      given: {
        AWS_ENDPOINT_URL_S3: "",
        AWS_ENDPOINT_URL: "http://10.0.0.1:9000",
        AWS_REGION: "eu-north-1",
      },
      want: {
        protocol: "http:",
        hostname: "10.0.0.1",
        port: 9000,
        signingRegion: "eu-north-1",
      },
    },
  ])("$how", async ({ given, want }) => {
    const found = await findPlainAccess("study", { ...environment, ...given });
    expect(found?.address).toEqual({ ...want, basePath: "/study/" });
    expect(await found?.signing.credentials()).toEqual({
      accessKeyId: "a",
      secretAccessKey: "b",
      sessionToken: undefined,
    });
  });

  test.each([
    { but: "there are no keys", given: { AWS_SECRET_ACCESS_KEY: undefined } },
    {
      but: "the endpoint is AWS's",
      given: { AWS_ENDPOINT_URL_S3: "https://s3.eu-north-1.amazonaws.com" },
    },
    { but: "there is no endpoint", given: { AWS_ENDPOINT_URL_S3: undefined } },
    {
      but: "the endpoint is no URL",
      given: { AWS_ENDPOINT_URL_S3: "s3.lab.example:9000" },
    },
    {
      but: "the endpoint has a path",
      given: { AWS_ENDPOINT_URL_S3: "https://lab.example/s3" },
    },
    { but: "a profile is chosen", given: { AWS_PROFILE: "lab" } },
    {
      but: "a variable says what we do not know",
      given: { AWS_USE_DUALSTACK_ENDPOINT: "true" },
    },
    { but: "nobody knows where its files lie", given: { HOME: undefined } },
  ])("unless $but", async ({ given }) => {
    const variables = { ...environment, ...given };
    expect(await findPlainAccess("study", variables)).toBeNull();
  });

  test("unless a configuration file could say otherwise, or the bucket is of a kind of its own", async () => {
    const home = await createTemporaryFolder();
    const variables = { ...environment, HOME: home };
    expect(await findPlainAccess("study", variables)).not.toBeNull();
    expect(await findPlainAccess("study--x-s3", variables)).toBeNull();
    await mkdir(`${home}/.aws`);
    await writeFile(`${home}/.aws/config`, "[default]\n");
    expect(await findPlainAccess("study", variables)).toBeNull();
  });
});

test("a store whose environment says all reads without loading the SDK", async () => {
  const server = await startS3TestServer();
  onTestFinished(() => server.close());
  const { endpoint, bucket, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  const writing = createS3Store({
    bucket,
    prefix: "p",
    connection: { endpoint, region: "us-east-1", credentials },
  });
  onTestFinished(() => writing.close());
  await writing.put("greeting", Buffer.from("hello"));
  const loaded = createRequire(import.meta.url).cache;
  const sdkFiles = (): string[] =>
    Object.keys(loaded).filter((name) => name.includes("@aws-sdk"));
  expect(sdkFiles()).not.toEqual([]);
  for (const name of sdkFiles()) delete loaded[name];
  const reading = createS3Store({
    bucket,
    prefix: "p",
    variables: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      HOME: "/nonexistent",
    },
  });
  onTestFinished(() => reading.close());
  expect(await reading.read("greeting")).toEqual(
    new Uint8Array(Buffer.from("hello")),
  );
  expect(sdkFiles()).toEqual([]);
});
