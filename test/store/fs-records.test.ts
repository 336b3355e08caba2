/** What `fs/records.ts` promises beyond the contract: its files, and listings and renames that misbehave. */
import * as fs from "node:fs/promises";
import { expect, test } from "vitest";
import { TransientError } from "../../src/base/errors.ts";
import { createFileStore } from "../../src/store/fs.ts";
import {
  nodeFileSystem,
  type FileSystem,
} from "../../src/store/fs/file-system.ts";
import type { Store } from "../../src/store/store.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

async function openCount(fileSystem: FileSystem = nodeFileSystem) {
  const directory = await createTemporaryFolder();
  const store = createFileStore({ directory, fileSystem });
  return { store, folder: `${directory}/claims/.records/count.json` };
}

async function swap(store: Store, value: string, etag: string | null) {
  const outcome = await store.swap("claims/count.json", text(value), etag);
  return outcome.kind === "written" ? outcome.etag : null;
}

async function readText(store: Store): Promise<string | null> {
  const read = await store.readRecord("claims/count.json");
  return read && Buffer.from(read.bytes).toString();
}

test("each swap and each remove raises the generation by one, and two states' bytes are kept", async () => {
  const { store, folder } = await openCount();
  const first = await swap(store, "1", null);
  const second = await swap(store, "2", first);
  await store.remove("claims/count.json");
  const fourth = await swap(store, "4", null);
  const generations = [first, second, fourth].map((etag) =>
    Number(etag?.split(".")[0]),
  );
  expect(generations).toEqual([1, 2, 4]);
  const names = (await fs.readdir(folder)).map((name) => name.slice(0, 17));
  expect(names.sort()).toEqual([
    "data.000000000003",
    "data.000000000004",
    "head.000000000004",
  ]);
});

test("a record whose bytes were changed from outside is an error, not an answer", async () => {
  const { store, folder } = await openCount();
  const etag = await swap(store, "1", null);
  await fs.writeFile(`${folder}/data.${etag}`, "2");
  await expect(readText(store)).rejects.toMatchObject({
    code: "store.record-corrupt",
    hint: expect.stringContaining(folder),
  });
});

test("a rename that was done and answered 'no such file', as NFS may, counts as written", async () => {
  let isLying = false;
  const { store } = await openCount({
    ...nodeFileSystem,
    async rename(from, to) {
      await fs.rename(from, to);
      if (isLying && String(to).includes("head."))
        throw Object.assign(new Error("lost answer"), { code: "ENOENT" });
    },
  });
  const first = await swap(store, "1", null);
  isLying = true;
  expect(await swap(store, "2", first)).not.toBeNull();
  expect(await readText(store)).toBe("2");
});

test("a listing that shows the token under no name is repeated, one that shows two is read by the newer", async () => {
  let listings: ((names: string[]) => string[])[] = [];
  const { store } = await openCount({
    ...nodeFileSystem,
    readdir: (async (folder: string) => {
      const names = await fs.readdir(folder);
      return listings.shift()?.(names) ?? names;
    }) as unknown as FileSystem["readdir"],
  });
  const first = await swap(store, "1", null);
  const second = await swap(store, "2", first);
  listings = [(names) => names.filter((name) => !name.startsWith("head."))];
  expect(await readText(store)).toBe("2");
  listings = [(names) => [`head.${first}`, ...names]];
  expect((await store.readRecord("claims/count.json"))?.etag).toBe(second);
  expect(listings).toEqual([]);
});

test("a record that never shows its token is a temporary failure, not an endless loop", async () => {
  const { store, folder } = await openCount();
  const etag = await swap(store, "1", null);
  await fs.rename(`${folder}/head.${etag}`, `${folder}/elsewhere`);
  await expect(readText(store)).rejects.toThrow(TransientError);
});

test("the plain file that people see follows the newest state, and goes with the record", async () => {
  const { store, folder } = await openCount();
  const plain = folder.replace(".records/", "");
  const first = await swap(store, "1", null);
  expect(await fs.readFile(plain, "utf8")).toBe("1");
  await swap(store, "2", first);
  expect(await fs.readFile(plain, "utf8")).toBe("2");
  await store.remove("claims/count.json");
  await expect(fs.readFile(plain)).rejects.toMatchObject({ code: "ENOENT" });
});
