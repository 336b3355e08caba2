/** The file store on machines that refuse: a failing system call at a time, and real full and read-only disks. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { TransientError, UserError } from "../../src/base/errors.ts";
import { createFileStore } from "../../src/store/fs.ts";
import {
  nodeFileSystem,
  type FileSystem,
} from "../../src/store/fs/file-system.ts";
import type { Store } from "../../src/store/store.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

type Call = keyof FileSystem | "write" | "sync";

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

/** The real calls, of which those that `fails` chooses end with `code`. */
function failingFileSystem(
  code: string,
  fails: (call: Call) => boolean,
): FileSystem {
  const wrap =
    <A extends unknown[], R>(call: Call, real: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (fails(call)) throw systemError(code);
      return real(...args);
    };
  const open = async (...args: Parameters<typeof fs.open>) => {
    const handle = await fs.open(...args);
    // The handle's own methods are on its prototype; these hide them.
    return Object.assign(handle, {
      write: wrap("write", handle.write.bind(handle) as () => Promise<unknown>),
      sync: wrap("sync", handle.sync.bind(handle)),
    });
  };
  return {
    ...nodeFileSystem,
    link: wrap("link", fs.link),
    rename: wrap("rename", fs.rename),
    open: wrap("open", open) as FileSystem["open"],
    mkdir: wrap("mkdir", fs.mkdir as never) as FileSystem["mkdir"],
    unlink: wrap("unlink", fs.unlink),
  };
}

async function thrownBy(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => {
      throw new Error("nothing was thrown");
    },
    (thrown: unknown) => thrown,
  );
}

async function pathsOf(store: Store): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of store.list("")) paths.push(path);
  return paths;
}

const bytes = new TextEncoder().encode("bytes");

describe("a system error becomes an error that says what to do:", () => {
  test.each([
    ["ENOSPC", "store.full"],
    ["EDQUOT", "store.quota"],
    ["EROFS", "store.read-only"],
    ["EACCES", "store.denied"],
    ["EPERM", "store.denied"],
    ["ENOTSUP", "store.unsupported"],
    ["EXDEV", "store.split"],
    ["EFBIG", "store.file-too-large"],
    ["ENAMETOOLONG", "store.name-too-long"],
    ["EISDIR", "store.not-a-file"],
  ])("%s is a UserError %s with path, folder and hint", async (code, want) => {
    const directory = await createTemporaryFolder();
    const fileSystem = failingFileSystem(code, (call) => call === "rename");
    const store = createFileStore({ directory, fileSystem });
    const thrown = await thrownBy(store.put("runs/r/status.json", bytes));
    expect(thrown).toBeInstanceOf(UserError);
    expect(thrown).toMatchObject({
      code: want,
      hint: expect.stringMatching(/.{20}/),
      cause: { code },
    });
    expect(String(thrown)).toContain("runs/r/status.json");
    expect(String(thrown)).toContain(directory);
  });

  test.each(["EIO", "EMFILE", "ESTALE", "ETIMEDOUT"])(
    "%s is a TransientError",
    async (code) => {
      const directory = await createTemporaryFolder();
      const fileSystem = failingFileSystem(code, (call) => call === "open");
      const store = createFileStore({ directory, fileSystem });
      const thrown = await thrownBy(store.put("a", bytes));
      expect(thrown).toBeInstanceOf(TransientError);
      expect(thrown).toMatchObject({ code: `store.${code.toLowerCase()}` });
    },
  );

  test("a code that nobody can act on stays what it is: a bug", async () => {
    const directory = await createTemporaryFolder();
    const fileSystem = failingFileSystem("EBADF", (call) => call === "open");
    const store = createFileStore({ directory, fileSystem });
    expect(await thrownBy(store.put("a", bytes))).toMatchObject({
      code: "EBADF",
      message: "EBADF: injected",
    });
  });

  test("a folder in the place of a file is named, and is not taken for an object that exists", async () => {
    const directory = await createTemporaryFolder();
    const store = createFileStore({ directory });
    await store.put("cas/k/manifest.json", bytes);
    for (const call of [
      () => store.put("cas/k", bytes),
      () => store.putIfAbsent("cas/k", bytes),
      () => store.append("cas/k", bytes),
    ])
      expect(await thrownBy(call())).toMatchObject({
        code: "store.not-a-file",
      });
  });

  test("a file in the place of a folder is named", async () => {
    const directory = await createTemporaryFolder();
    const store = createFileStore({ directory });
    await store.put("cas", bytes);
    const thrown = await thrownBy(store.put("cas/k/manifest.json", bytes));
    expect(thrown).toMatchObject({ code: "store.not-a-folder" });
  });
});

describe("a write that fails at any of its system calls leaves the old object or the new one:", () => {
  const operations: Readonly<
    Record<string, (store: Store) => Promise<unknown>>
  > = {
    put: (store) => store.put("a/b", bytes),
    putIfAbsent: (store) => store.putIfAbsent("a/c", bytes),
    swap: async (store) => {
      const read = await store.readRecord("a/r");
      return store.swap("a/r", bytes, read?.etag ?? null);
    },
    "the first swap": (store) => store.swap("a/new", bytes, null),
    remove: (store) => store.remove("a/r"),
  };
  test.each(Object.entries(operations))("%s", async (_name, operate) => {
    for (let failing = 1, isOver = false; !isOver; failing++) {
      const directory = await createTemporaryFolder();
      const sound = createFileStore({ directory });
      await sound.put("a/b", new Uint8Array([1]));
      await sound.swap("a/r", new Uint8Array([1]), null);
      let calls = 0;
      const fileSystem = failingFileSystem("EIO", () => ++calls === failing);
      const store = createFileStore({ directory, fileSystem });
      const outcome = await operate(store).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      isOver = calls < failing;
      if (!isOver) expect(outcome).toBeInstanceOf(TransientError);

      const one = new Uint8Array([1]);
      expect([one, bytes]).toContainEqual(await sound.read("a/b"));
      expect([null, bytes]).toContainEqual(await sound.read("a/c"));
      expect([null, bytes]).toContainEqual(
        (await sound.readRecord("a/new"))?.bytes ?? null,
      );
      expect([null, one, bytes]).toContainEqual(
        (await sound.readRecord("a/r"))?.bytes ?? null,
      );
      // And the store works on, with whatever was left behind.
      await operate(sound);
      expect(
        (await pathsOf(sound)).every((path) => /^a\/(b|c|r|new)$/.test(path)),
      ).toBe(true);
    }
  });
});

describe("an acknowledged write survives a power cut, for it is flushed:", () => {
  const operations: Readonly<
    Record<string, (store: Store) => Promise<unknown>>
  > = {
    rename: (store) => store.put("a/b", bytes),
    link: (store) => store.putIfAbsent("a/c", bytes),
  };
  test.each(Object.entries(operations))(
    "the bytes before the %s that names them, the folder after it",
    async (naming, operate) => {
      const directory = await createTemporaryFolder();
      await createFileStore({ directory }).put("a/x", bytes);
      const calls: Call[] = [];
      const fileSystem = failingFileSystem("EIO", (call) => {
        calls.push(call);
        return false;
      });
      await operate(createFileStore({ directory, fileSystem }));
      const order = calls.filter((call) =>
        ["write", "sync", naming].includes(call),
      );
      expect(order).toEqual(["write", "sync", naming, "sync"]);
    },
  );
});

describe("temporary files of dead writers", () => {
  test("of yesterday are removed by the first write, those of today stay", async () => {
    const directory = await createTemporaryFolder();
    await fs.mkdir(`${directory}/.tmp/old-record`, { recursive: true });
    await fs.writeFile(`${directory}/.tmp/old-record/data`, "x");
    await fs.writeFile(`${directory}/.tmp/old`, "x");
    await fs.writeFile(`${directory}/.tmp/young`, "x");
    const yesterday = new Date(Date.now() - 25 * 3600 * 1000);
    for (const name of ["old-record", "old"])
      await fs.utimes(`${directory}/.tmp/${name}`, yesterday, yesterday);
    await createFileStore({ directory }).put("a", bytes);
    expect(await fs.readdir(`${directory}/.tmp`)).toEqual(["young"]);
  });

  test("are not left by writes that ended, well or badly", async () => {
    const directory = await createTemporaryFolder();
    const store = createFileStore({ directory });
    await store.put("a", bytes);
    await store.putIfAbsent("a", bytes);
    await store.swap("r", bytes, null);
    await store.swap("r", bytes, null);
    await thrownBy(store.putStream("s", 1, none()));
    expect(await fs.readdir(`${directory}/.tmp`)).toEqual([]);
  });
});

describe("on a real disk", () => {
  test("that is full, writing says so and what stood there stands", async ({
    skip,
  }) => {
    const directory = await mountTmpfs();
    if (directory === null) return skip("mounting a tmpfs needs root");
    const store = createFileStore({ directory });
    await store.put("runs/r/status.json", bytes);
    const large = new Uint8Array(1 << 20);
    expect(
      await thrownBy(store.put("runs/r/status.json", large)),
    ).toMatchObject({ code: "store.full" });
    expect(await thrownBy(store.putIfAbsent("large", large))).toMatchObject({
      code: "store.full",
    });
    expect(await store.read("runs/r/status.json")).toEqual(bytes);
    await store.put("small", bytes);
    expect(await pathsOf(store)).toEqual(["runs/r/status.json", "small"]);
  });

  test("that is read-only, writing says so and reading goes on", async ({
    skip,
  }) => {
    const directory = await mountTmpfs();
    if (directory === null) return skip("mounting a tmpfs needs root");
    await createFileStore({ directory }).put("a", bytes);
    execFileSync("mount", ["-o", "remount,ro", directory]);
    const store = createFileStore({ directory });
    for (const call of [
      () => store.put("a", bytes),
      () => store.putIfAbsent("b", bytes),
      () => store.swap("r", bytes, null),
      () => store.append("log", bytes),
      () => store.remove("a"),
    ])
      expect(await thrownBy(call())).toMatchObject({ code: "store.read-only" });
    expect(await store.read("a")).toEqual(bytes);
    expect(await pathsOf(store)).toEqual(["a"]);
  });
});

/** A file system of 256 KiB of its own, or null where that is not allowed. */
async function mountTmpfs(): Promise<string | null> {
  const folder = await createTemporaryFolder();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], {
      stdio: "ignore",
    });
  } catch {
    return null;
  }
  onTestFinished(() => void execFileSync("umount", ["--lazy", folder]));
  return folder;
}

async function* none(): AsyncGenerator<Uint8Array> {
  yield* [];
}

test("a place where no folder can be made is told, and not tried for ever", async () => {
  const store = createFileStore({ directory: "/proc/hueline-store" });
  expect(await thrownBy(store.put("a", bytes))).toMatchObject({
    code: "store.no-folder",
  });
});
