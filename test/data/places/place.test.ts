import { afterEach, describe, expect, it, vi } from "vitest";
import { fingerprintSource } from "../../../src/data/fingerprint.ts";
import { listDataset } from "../../../src/data/inspect.ts";
import { packDataset } from "../../support/dataset-artifacts.ts";
import {
  readPhotographs,
  toSharp,
  writeFiles,
} from "../../support/photographs.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { failFirst, start, to } from "../../support/s3-server/fixture.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

const names = ["cat/1.jpg", "cat/2.jpg", "dog/1.jpg", "dog/2.jpg"];

/** A bucket with four photographs, which AWS's configuration leads to; its listing takes several pages. */
async function createBucket() {
  const { server, store } = await start({ pageSize: 3 });
  const images = await readPhotographs(names.length);
  const files: Record<string, Uint8Array> = {};
  for (const [i, name] of names.entries()) {
    const image = images[i];
    if (image) files[name] = await toSharp(image).jpeg().toBuffer();
  }
  for (const [name, bytes] of Object.entries(files))
    await store.put(`photos/train/${name}`, bytes);
  const { endpoint, accessKeyId, secretAccessKey } = server;
  vi.stubEnv("AWS_ENDPOINT_URL", endpoint);
  vi.stubEnv("AWS_ACCESS_KEY_ID", accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", secretAccessKey);
  vi.stubEnv("AWS_REGION", "us-east-1");
  return { server, store, files, source: `${store.url}/photos/` };
}

describe("a source in a bucket", () => {
  it("is packed to the same bytes as the same files on disk", async () => {
    const { server, files, source } = await createBucket();
    failFirst(server, to("GET", "cat/1.jpg"), {
      kind: "refuse",
      status: 503,
      code: "SlowDown",
    });
    const there = await packDataset({
      source,
      format: "image-folder",
      shards: 2,
    });
    const folder = await createTemporaryFolder();
    writeFiles(folder, files);
    const here = await packDataset({
      source: folder,
      format: "image-folder",
      shards: 2,
    });
    const sums = ({ parts }: typeof here) =>
      parts.map((part) => part.files.map(({ sha256 }) => sha256));
    expect(sums(there)).toEqual(sums(here));
    const { catalog } = await listDataset(there.store, there.catalog);
    expect(catalog.classes).toEqual(["cat", "dog"]);
  });

  it("has a fingerprint that its listing decides, and is refused once it differs from it", async () => {
    const { store, source } = await createBucket();
    const options = {
      place: source,
      holds: "files",
      cacheDirectory: null,
    } as const;
    const fingerprint = await fingerprintSource(options);
    expect(await fingerprintSource(options)).toBe(fingerprint);
    const params = { source, format: "image-folder" };
    await packDataset(params, { fingerprint });
    await store.put("photos/train/dog/3.jpg", new Uint8Array(9));
    expect(await fingerprintSource(options)).not.toBe(fingerprint);
    await expect(packDataset(params, { fingerprint })).rejects.toMatchObject({
      code: "data.source-changed",
    });
  });

  it("without objects is missing", async () => {
    const { store } = await createBucket();
    const place = `${store.url}/nothing/`;
    await expect(
      fingerprintSource({ place, holds: "files", cacheDirectory: null }),
    ).rejects.toMatchObject({ code: "data.source-missing" });
  });
});
