/** Many files into a store: whole, in bounded memory, their sums told. */
import { truncateSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { createMemoryStore } from "../../../src/store/memory.ts";
import type { Store } from "../../../src/store/store.ts";
import { uploadFiles } from "../../../src/store/transfer/upload-files.ts";
import type { TransferProgress } from "../../../src/store/transfer/transfer.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const mebibyte = 1024 * 1024;

async function start(sizes: readonly number[]) {
  const folder = await createTemporaryFolder();
  await mkdir(`${folder}/in`);
  const contents = sizes.map((size, i) => Buffer.alloc(size, `${i} and on `));
  const files = contents.map((_, i) => ({
    file: `${folder}/in/${i}`,
    path: `data/${i}`,
  }));
  for (const [i, { file }] of files.entries())
    await writeFile(file, contents[i] ?? "");
  return { store: createMemoryStore(), files, contents };
}

test("files arrive byte for byte, and their sizes and sums come back in order", async () => {
  const { store, files, contents } = await start([
    0,
    1,
    40 * mebibyte + 3,
    500,
  ]);
  const seen: TransferProgress[] = [];
  const uploaded = await uploadFiles(store, files, {
    onProgress: (progress) => seen.push(progress),
  });
  expect(uploaded).toEqual(
    contents.map((bytes, i) => ({
      path: `data/${i}`,
      sizeBytes: bytes.byteLength,
      crc32: crc32(bytes).toString(16).padStart(8, "0"),
    })),
  );
  for (const [i, bytes] of contents.entries())
    expect(bytes.equals((await store.read(`data/${i}`)) ?? Buffer.of(1))).toBe(
      true,
    );
  const totalBytes = contents.reduce(
    (sum, { byteLength }) => sum + byteLength,
    0,
  );
  const want = {
    doneBytes: totalBytes,
    totalBytes,
    doneFiles: 4,
    totalFiles: 4,
  };
  expect(seen.at(-1)).toEqual(want);
});

/** The same store, and how many objects went up at once at the most. */
function countUploads(store: Store) {
  let current = 0;
  let most = 0;
  const measured: Store = {
    ...store,
    async putStream(path, sizeBytes, chunks) {
      most = Math.max(most, ++current);
      await store.putStream(path, sizeBytes, chunks);
      current--;
    },
  };
  return { measured, most: () => most };
}

test("no more files go up at once than their memory allows", async () => {
  const { store, files } = await start(
    Array.from({ length: 12 }, () => mebibyte),
  );
  const { measured, most } = countUploads(store);
  await uploadFiles(measured, files, { maxInFlightBytes: 3 * mebibyte + 5 });
  expect(most()).toBe(3);
});

test("of many small files, each with its descriptor, no more than 64 are open at once", async () => {
  const { store, files } = await start(Array.from({ length: 100 }, () => 1));
  const { measured, most } = countUploads(store);
  expect(await uploadFiles(measured, files)).toHaveLength(100);
  expect(most()).toBe(64);
});

test("a file larger than all that is allowed goes up alone", async () => {
  const { store, files } = await start([4 * mebibyte, 10]);
  const uploaded = await uploadFiles(store, files, { maxInFlightBytes: 1 });
  expect(uploaded).toHaveLength(2);
});

test("a file that is not there is named, before anything goes up", async () => {
  const { store, files } = await start([10]);
  const absent = { file: "/no/such/file", path: "x" };
  await expect(uploadFiles(store, [...files, absent])).rejects.toMatchObject({
    code: "file.refused",
    message: expect.stringContaining("/no/such/file"),
  });
  expect(await store.stat("data/0")).toBeNull();
});

test("a file that becomes shorter meanwhile is an error, and no object appears", async () => {
  const { store, files } = await start([20 * mebibyte]);
  const upload = uploadFiles(store, files, {
    // After the first chunk.
    onProgress: () => truncateSync(files[0]?.file ?? "", 16 * mebibyte),
  });
  await expect(upload).rejects.toMatchObject({ code: "transfer.changed" });
  expect(await store.stat("data/0")).toBeNull();
});

test("a stop that is asked for comes back as its reason", async () => {
  const { store, files } = await start([10, 20 * mebibyte, 10]);
  const stop = new AbortController();
  const reason = new Error("told to stop");
  const upload = uploadFiles(store, files, {
    maxInFlightBytes: 1,
    signal: stop.signal,
    onProgress: ({ doneBytes }) => {
      if (doneBytes > 10) stop.abort(reason);
    },
  });
  await expect(upload).rejects.toBe(reason);
  expect(await store.stat("data/0")).not.toBeNull();
  expect(await store.stat("data/1")).toBeNull();
  expect(await store.stat("data/2")).toBeNull();
});
