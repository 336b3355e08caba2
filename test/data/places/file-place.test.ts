/** One file, on this machine or in a bucket: what stands for it in keys, and that a reader is held to it. */
import { createHash } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { fingerprintSource } from "../../../src/data/fingerprint.ts";
import { openFilePlace } from "../../../src/data/places/file-place.ts";
import { start } from "../../support/s3-server/fixture.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

const create = async (text = "weights") => {
  const file = path.join(await createTemporaryFolder(), "w.safetensors");
  writeFileSync(file, text);
  return file;
};
const fingerprint = (place: string) =>
  fingerprintSource({ place, holds: "file", cacheDirectory: null });

describe("a file on this machine", () => {
  it("is its content, wherever it lies", async () => {
    const [one, two] = [await create(), await create()];
    const sha256 = createHash("sha256").update("weights").digest("hex");
    expect(await fingerprint(one)).toBe(`sha256:${sha256}`);
    expect(await fingerprint(two)).toBe(await fingerprint(one));
    expect(await fingerprint(await create("Weights"))).not.toBe(
      await fingerprint(one),
    );
  });

  it("is read if it is what was planned, and refused once it is another", async () => {
    const file = await create();
    const planned = await fingerprint(file);
    const place = await openFilePlace(file);
    expect(Buffer.from(await place.read(planned)).toString()).toBe("weights");
    writeFileSync(file, "Weights");
    await expect(place.read(planned)).rejects.toMatchObject({
      code: "data.source-changed",
    });
    rmSync(file);
    await expect(place.read()).rejects.toMatchObject({
      code: "data.source-unreadable",
    });
  });

  it.each([
    ["nothing", "/nowhere/w.safetensors", "data.file-missing", "found nothing"],
    ["a folder", "/tmp", "data.file-missing", "found a folder"],
    ["a package", "package:weights", "data.source-unsupported", "package:"],
    ["another scheme", "https://a/b", "data.source-unsupported", "https:"],
  ])("%s is no such file", async (_name, place, code, message) => {
    await expect(openFilePlace(place)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });
});

describe("an object of a bucket", () => {
  const createBucket = async () => {
    const { server, store } = await start();
    await store.put("models/w.safetensors", Buffer.from("weights"));
    const { endpoint, accessKeyId, secretAccessKey } = server;
    vi.stubEnv("AWS_ENDPOINT_URL", endpoint);
    vi.stubEnv("AWS_ACCESS_KEY_ID", accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", secretAccessKey);
    vi.stubEnv("AWS_REGION", "us-east-1");
    return { store, url: `${store.url}/models/w.safetensors` };
  };

  it("is its size and time, and refused once another was uploaded", async () => {
    const { store, url } = await createBucket();
    const planned = await fingerprint(url);
    expect(planned).toMatch(/^object:7,\d+$/);
    const read = async () => await (await openFilePlace(url)).read(planned);
    expect(Buffer.from(await read()).toString()).toBe("weights");
    await store.put("models/w.safetensors", Buffer.from("other weights"));
    expect(await fingerprint(url)).not.toBe(planned);
    await expect(read()).rejects.toMatchObject({ code: "data.source-changed" });
  });

  it("is no folder, and nothing that is not there", async () => {
    const { store } = await createBucket();
    for (const place of ["models", "models/", "models/other"])
      await expect(
        openFilePlace(`${store.url}/${place}`),
      ).rejects.toMatchObject({ code: "data.file-missing" });
  });
});
