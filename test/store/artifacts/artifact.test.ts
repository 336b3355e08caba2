import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { UserError } from "../../../src/base/errors.ts";
import {
  createArtifactWriter,
  readArtifactFile,
  verifyArtifact,
} from "../../../src/store/artifacts/artifact.ts";
import { layout } from "../../../src/store/layout.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { createFaultyStore } from "../../support/faulty-store.ts";
import { buildManifest, commitArtifact } from "../../support/manifests.ts";

const key = "a".repeat(64);
const attempt = layout.attempt(key, 1);
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

async function* chunksOf(...values: string[]): AsyncGenerator<Uint8Array> {
  for (const value of values) yield text(value);
}

describe("the writer of an artifact", () => {
  test("puts files under its epoch and takes their sums on the way", async () => {
    const store = createMemoryStore();
    const writer = createArtifactWriter(store, key, 3);
    await writer.writeStream("b/123456789", 9, chunksOf("1234", "56789"));
    await writer.write("a", text(""));
    expect(writer.files()).toEqual([
      {
        path: "a",
        sizeBytes: 0,
        crc32: "00000000",
        sha256: createHash("sha256").digest("hex"),
      },
      {
        path: "b/123456789",
        sizeBytes: 9,
        // The check value of CRC-32/ISO-HDLC.
        crc32: "cbf43926",
        sha256: createHash("sha256").update("123456789").digest("hex"),
      },
    ]);
    expect(await store.read(`cas/${key}/a3/b/123456789`)).toEqual(
      text("123456789"),
    );
  });

  test("refuses a path that leaves the attempt, and one that was written before", async () => {
    const writer = createArtifactWriter(createMemoryStore(), key, 1);
    await expect(writer.write("../a2/x", text(""))).rejects.toMatchObject({
      code: "store.path",
    });
    await writer.write("x", text("1"));
    await expect(writer.write("x", text("2"))).rejects.toThrow(/twice/);
    await expect(writer.writeStream("x", 0, chunksOf())).rejects.toThrow(
      /twice/,
    );
  });

  test("does not name a file whose stream failed", async () => {
    const writer = createArtifactWriter(createMemoryStore(), key, 1);
    await expect(writer.writeStream("x", 5, chunksOf("abc"))).rejects.toThrow();
    expect(writer.files()).toEqual([]);
  });
});

describe("reading a file of an artifact", () => {
  test("gives the whole of it, or a range", async () => {
    const store = createMemoryStore();
    const manifest = await commitArtifact(store, { key }, { x: text("01234") });
    expect(await readArtifactFile(store, manifest, "x")).toEqual(text("01234"));
    const range = { offset: 1, length: 3 };
    expect(await readArtifactFile(store, manifest, "x", { range })).toEqual(
      text("123"),
    );
    await expect(
      readArtifactFile(store, manifest, "x", {
        range: { offset: 3, length: 3 },
      }),
    ).rejects.toThrow(RangeError);
  });

  test("that the manifest does not name lists what it has", async () => {
    const store = createMemoryStore();
    const manifest = await commitArtifact(store, { key }, { x: text("1") });
    await expect(readArtifactFile(store, manifest, "y")).rejects.toMatchObject({
      code: "artifact.missing",
      message: expect.stringContaining("it has x"),
    });
  });

  test.each([
    { damage: "one bit differs", bytes: text("01235"), code: "corrupt" },
    { damage: "it is cut off", bytes: text("0123"), code: "corrupt" },
    { damage: "it is longer", bytes: text("012345"), code: "corrupt" },
    { damage: "it is gone", bytes: null, code: "missing" },
  ])("when $damage says so, with what to do", async ({ bytes, code }) => {
    const store = createMemoryStore();
    const manifest = await commitArtifact(store, { key }, { x: text("01234") });
    const path = `${attempt}x`;
    await (bytes ? store.put(path, bytes) : store.remove(path));
    await expect(readArtifactFile(store, manifest, "x")).rejects.toMatchObject({
      code: `artifact.${code}`,
      message: expect.stringContaining(path),
      hint: expect.stringContaining("hueline run"),
    });
    expect(await verifyArtifact(store, manifest)).toMatchObject([
      { code: `artifact.${code}`, path: "x" },
    ]);
  });

  test("when the store itself finds it damaged says the same", async () => {
    const inner = createMemoryStore();
    const manifest = await commitArtifact(inner, { key }, { x: text("01234") });
    const code = "store.damaged";
    const store = createFaultyStore(inner, () => ({
      when: "before",
      error: new UserError({ code, message: "its CRC-32 is another" }),
    }));
    await expect(readArtifactFile(store, manifest, "x")).rejects.toMatchObject({
      code: "artifact.corrupt",
      message: expect.stringContaining("its CRC-32 is another"),
      hint: expect.stringContaining("manifest.json"),
    });
  });

  test("in a range past where it was cut off is an error, not a short answer", async () => {
    const store = createMemoryStore();
    const manifest = await commitArtifact(store, { key }, { x: text("01234") });
    await store.put(`${attempt}x`, text("01"));
    const range = { offset: 1, length: 3 };
    await expect(
      readArtifactFile(store, manifest, "x", { range }),
    ).rejects.toMatchObject({ code: "artifact.corrupt" });
  });
});

test("verifying reads files larger than a piece and finds a change at their end", async () => {
  const store = createMemoryStore();
  const large = new Uint8Array(17 * 1024 * 1024);
  const files = { large, small: text("1") };
  const manifest = await commitArtifact(store, { key }, files);
  expect(await verifyArtifact(store, manifest)).toEqual([]);
  large[large.byteLength - 1] = 1;
  await store.put(`${attempt}large`, large);
  expect(await verifyArtifact(store, manifest)).toMatchObject([
    { code: "artifact.corrupt", path: "large" },
  ]);
});

test("an artifact without files verifies", async () => {
  const manifest = buildManifest({ key });
  expect(await verifyArtifact(createMemoryStore(), manifest)).toEqual([]);
});
