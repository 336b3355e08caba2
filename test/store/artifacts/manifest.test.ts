import { describe, expect, test } from "vitest";
import { TransientError } from "../../../src/base/errors.ts";
import { layout } from "../../../src/store/layout.ts";
import {
  commitManifest,
  readManifest,
} from "../../../src/store/artifacts/manifest.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { createFaultyStore } from "../../support/faulty-store.ts";
import { buildManifest } from "../../support/manifests.ts";

const key = "a".repeat(64);

describe("committing", () => {
  test("writes the manifest at its key's place, where it is read back unchanged", async () => {
    const store = createMemoryStore();
    const manifest = buildManifest({
      key,
      params: { nested: { list: [1, "two", null] } },
      seed: 7,
      inputs: { data: ["b"] },
      metrics: { accuracy: 0.25 },
    });
    expect(await readManifest(store, key)).toBeNull();
    expect(await commitManifest(store, manifest)).toBe("committed");
    expect(await readManifest(store, key)).toEqual(manifest);
  });

  test("second loses to the first, and is given its manifest", async () => {
    const store = createMemoryStore();
    const first = buildManifest({ key, epoch: 1, metrics: { loss: 1 } });
    const second = buildManifest({ key, epoch: 2, metrics: { loss: 2 } });
    await commitManifest(store, first);
    expect(await commitManifest(store, second)).toEqual({
      kind: "found",
      manifest: first,
    });
    expect(await readManifest(store, key)).toEqual(first);
  });

  test("again after an answer that was lost is the same commit", async () => {
    const lost = new TransientError({ code: "net", message: "no answer" });
    const store = createFaultyStore(createMemoryStore(), ({ number }) =>
      number === 1 ? { when: "after", error: lost } : null,
    );
    const manifest = buildManifest({ key });
    await expect(commitManifest(store, manifest)).rejects.toBe(lost);
    expect(await commitManifest(store, manifest)).toBe("committed");
  });

  test("of something that could not be read back is refused before it is written", async () => {
    const store = createMemoryStore();
    const files = [
      { path: "../escape", sizeBytes: 1, crc32: "0".repeat(8), sha256: "" },
    ];
    await expect(
      commitManifest(store, buildManifest({ key, files })),
    ).rejects.toThrow();
    expect(await readManifest(store, key)).toBeNull();
  });
});

describe("a manifest is not trusted when", () => {
  const sound = JSON.stringify(buildManifest({ key }));
  const file = {
    path: "w",
    sizeBytes: 1,
    crc32: "01234567",
    sha256: "f".repeat(64),
  };
  const withFile = (change: object): string =>
    JSON.stringify({
      ...buildManifest({ key }),
      files: [{ ...file, ...change }],
    });
  test.each([
    ["it is cut off", sound.slice(0, -20)],
    ["it is empty", ""],
    ["it is not UTF-8", "\xff\xfe"],
    ["it is other JSON", "[]"],
    ["it is of a later version", sound.replace('"version":1', '"version":2')],
    ["it is another key's", JSON.stringify(buildManifest({ key: "other" }))],
    ["a file leaves the attempt", withFile({ path: "../../x" })],
    ["a file's path is absolute", withFile({ path: "/etc/passwd" })],
    ["a size is negative", withFile({ sizeBytes: -1 })],
    ["a checksum is not one", withFile({ crc32: "" })],
  ])("%s: the error names the object and what to do", async (_why, text) => {
    const store = createMemoryStore();
    await store.put(layout.manifest(key), Buffer.from(text, "latin1"));
    await expect(readManifest(store, key)).rejects.toMatchObject({
      code: "manifest.corrupt",
      message: expect.stringContaining(layout.manifest(key)),
      hint: expect.stringContaining("run the pipeline again"),
    });
  });
});
