/** Many objects into a folder: whole, in bounded memory, resumed, and what is wrong with them told. */
import {
  appendFile,
  open,
  readdir,
  readFile,
  stat,
  writeFile,
} from "node:fs/promises";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { TransientError, UserError } from "../../../src/base/errors.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import type { Store } from "../../../src/store/store.ts";
import { downloadObjects } from "../../../src/store/transfer/download-objects.ts";
import type {
  ObjectToDownload,
  TransferProgress,
} from "../../../src/store/transfer/transfer.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const rangeBytes = 16 * 1024 * 1024;
const mebibyte = 1024 * 1024;

const sumOf = (bytes: Uint8Array): string =>
  crc32(bytes).toString(16).padStart(8, "0");

/** Bytes that differ everywhere and for each `seed`, made quickly. */
function bytesOf(sizeBytes: number, seed: number): Buffer {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  for (let i = 0; i < words.length; i++)
    words[i] = Math.imul(i + 1, 0x9e3779b1 + 2 * seed);
  return Buffer.from(words.buffer, 0, sizeBytes);
}

/** Objects of these sizes in a store, and where they go. */
async function start(sizes: Readonly<Record<string, number>>): Promise<{
  store: Store;
  folder: string;
  objects: ObjectToDownload[];
  contents: ReadonlyMap<string, Buffer>;
}> {
  const store = createMemoryStore();
  const folder = await createTemporaryFolder();
  const contents = new Map<string, Buffer>();
  for (const [path, sizeBytes] of Object.entries(sizes)) {
    contents.set(path, bytesOf(sizeBytes, contents.size));
    await store.put(path, contents.get(path) ?? Buffer.of());
  }
  const objects = [...contents].map(([path, bytes]) => ({
    path,
    sizeBytes: bytes.byteLength,
    crc32: sumOf(bytes),
    file: `${folder}/out/${path}`,
  }));
  return { store, folder: `${folder}/out`, objects, contents };
}

/** The store, with something done around each read. */
function withReads(
  store: Store,
  around: (
    read: () => Promise<boolean>,
    at: { path: string; offset: number; target: Uint8Array },
  ) => Promise<boolean>,
): Store {
  return {
    ...store,
    readInto: (path, offset, target) =>
      around(() => store.readInto(path, offset, target), {
        path,
        offset,
        target,
      }),
  };
}

async function expectWhole(
  objects: readonly ObjectToDownload[],
  contents: ReadonlyMap<string, Buffer>,
): Promise<void> {
  for (const { path, file } of objects) {
    const bytes = await readFile(file);
    expect(`${path} ${bytes.equals(contents.get(path) ?? Buffer.of())}`).toBe(
      `${path} true`,
    );
  }
}

const thrownBy = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => "nothing was thrown",
    (thrown: unknown) => thrown,
  );

describe("objects come into a folder", () => {
  test("byte for byte, whatever their sizes, and nothing else is left there", async () => {
    const { store, folder, objects, contents } = await start({
      "a/empty": 0,
      "a/one": 1,
      "b/c/range": rangeBytes,
      "b/c/more": rangeBytes + 1,
      "b/large": 3 * rangeBytes - 7,
    });
    await downloadObjects(store, objects);
    await expectWhole(objects, contents);
    const names = await readdir(folder, { recursive: true });
    expect(names.sort()).toEqual([
      "a",
      "a/empty",
      "a/one",
      "b",
      "b/c",
      "b/c/more",
      "b/c/range",
      "b/large",
    ]);
  });

  test("a thousand small ones as well", async () => {
    const names = Array.from({ length: 1_000 }, (_, i) => `f${i % 10}/${i}`);
    const { store, objects, contents } = await start(
      Object.fromEntries(names.map((name, i) => [name, i])),
    );
    await downloadObjects(store, objects);
    await expectWhole(objects, contents);
  });

  test("over a file of another size that was there", async () => {
    const { store, objects, contents } = await start({ a: 100 });
    await downloadObjects(store, objects);
    await appendFile(objects[0]?.file ?? "", "more than there was");
    await downloadObjects(store, objects);
    await expectWhole(objects, contents);
  });

  test("in no more memory than is allowed, and in no fewer ranges at once than fit", async () => {
    const { store, objects } = await start({
      a: 5 * rangeBytes,
      b: rangeBytes,
    });
    let held = 0;
    let most = 0;
    const measured = withReads(store, async (read, { target }) => {
      held += target.byteLength;
      most = Math.max(most, held);
      await new Promise((resolve) => setImmediate(resolve));
      const found = await read();
      held -= target.byteLength;
      return found;
    });
    await downloadObjects(measured, objects, {
      maxInFlightBytes: 3 * rangeBytes + 1,
    });
    expect(most).toBe(3 * rangeBytes);
  });

  test("and progress tells bytes and files, up to their sums", async () => {
    const { store, objects } = await start({ a: 2 * rangeBytes, b: 10 });
    const seen: TransferProgress[] = [];
    await downloadObjects(store, objects, {
      onProgress: (progress) => seen.push(progress),
    });
    const total = { totalBytes: 2 * rangeBytes + 10, totalFiles: 2 };
    expect(seen.at(-1)).toEqual({
      doneBytes: total.totalBytes,
      doneFiles: 2,
      ...total,
    });
    const done = seen.map(({ doneBytes }) => doneBytes);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
  });
});

describe("an interrupted download", () => {
  /** Downloads one object of five ranges, of which `lost` fails. */
  async function interrupt(lost: number) {
    const started = await start({ large: 5 * rangeBytes - 99 });
    const broken = withReads(started.store, async (read, { offset }) => {
      if (offset === lost * rangeBytes)
        throw new TransientError({
          code: "store.gone",
          message: "the network is gone",
        });
      return read();
    });
    // One lane: what came before the failure is known.
    const options = { maxInFlightBytes: rangeBytes };
    const thrown = await thrownBy(
      downloadObjects(broken, started.objects, options),
    );
    expect(thrown).toMatchObject({ code: "store.gone" });
    const offsets: number[] = [];
    const counted = withReads(started.store, (read, { offset }) => {
      offsets.push(offset / rangeBytes);
      return read();
    });
    return {
      ...started,
      counted,
      offsets,
      file: started.objects[0]?.file ?? "",
    };
  }

  test("goes on where it ended: no range is read twice, and its file was not to be seen", async () => {
    const { counted, offsets, objects, contents, file } = await interrupt(3);
    await expect(stat(file)).rejects.toThrow("ENOENT");
    const seen: TransferProgress[] = [];
    const onProgress = (progress: TransferProgress): unknown =>
      seen.push(progress);
    await downloadObjects(counted, objects, { onProgress });
    expect(offsets).toEqual([3, 4]);
    expect(seen[0]?.doneBytes).toBe(3 * rangeBytes);
    await expectWhole(objects, contents);
  });

  test("reads a range again whose bytes are not those that its line promises", async () => {
    const { counted, offsets, objects, contents, file } = await interrupt(3);
    const part = await open(`${file}.part`, "r+");
    await part.write(Buffer.from([1, 2, 3]), 0, 3, rangeBytes + 5);
    await part.close();
    await downloadObjects(counted, objects);
    expect(offsets.toSorted((a, b) => a - b)).toEqual([1, 3, 4]);
    await expectWhole(objects, contents);
  });

  test.each([
    {
      what: "cut in a line",
      change: (list: string) => list.slice(0, -4),
      want: [2, 3, 4],
    },
    {
      what: "of nonsense",
      change: () => "nonsense\n{}\n",
      want: [0, 1, 2, 3, 4],
    },
    {
      what: "of ranges that there are not",
      change: (list: string) =>
        `${list}{"range":99,"crc32":1}\n{"range":-1,"crc32":1}\n`,
      want: [3, 4],
    },
    {
      what: "of another object",
      change: (list: string) =>
        list.replace(/"crc32":"[0-9a-f]+"/, '"crc32":"00000000"'),
      want: [0, 1, 2, 3, 4],
    },
  ])(
    "with a list $what trusts no more of it than holds",
    async ({ change, want }) => {
      const { counted, offsets, objects, contents, file } = await interrupt(3);
      const list = `${file}.part.ranges`;
      await writeFile(list, change(await readFile(list, "utf8")));
      await downloadObjects(counted, objects);
      expect(offsets.toSorted((a, b) => a - b)).toEqual(want);
      await expectWhole(objects, contents);
    },
  );

  test("whose bytes are gone, or are too many, begins anew or is cut", async () => {
    const { counted, objects, contents, file } = await interrupt(3);
    await writeFile(`${file}.part`, Buffer.alloc(6 * rangeBytes, 1));
    await downloadObjects(counted, objects);
    await expectWhole(objects, contents);
  });

  test("can be asked for: what was in flight ends, and the reason comes back", async () => {
    const { store, objects, contents } = await start({ large: 4 * rangeBytes });
    const stop = new AbortController();
    const reason = new Error("told to stop");
    const download = downloadObjects(store, objects, {
      maxInFlightBytes: rangeBytes,
      signal: stop.signal,
      onProgress: ({ doneBytes }) => {
        if (doneBytes >= 2 * rangeBytes) stop.abort(reason);
      },
    });
    expect(await thrownBy(download)).toBe(reason);
    await downloadObjects(store, objects);
    await expectWhole(objects, contents);
  });
});

describe("what is wrong is told", () => {
  test("an object that is not there", async () => {
    const { store, objects } = await start({ a: 10, b: 10 });
    await store.remove("b");
    const thrown = await thrownBy(downloadObjects(store, objects));
    expect(thrown).toBeInstanceOf(UserError);
    expect(thrown).toMatchObject({
      code: "transfer.absent",
      message: expect.stringContaining("'b'"),
    });
  });

  test("an object that is damaged in the store, whose file is never seen", async () => {
    const { store, objects, contents } = await start({ a: 2 * mebibyte });
    const damaged = Buffer.from(contents.get("a") ?? []);
    damaged[mebibyte] = (damaged[mebibyte] ?? 0) ^ 1;
    await store.put("a", damaged);
    const thrown = await thrownBy(downloadObjects(store, objects));
    expect(thrown).toMatchObject({
      code: "store.damaged",
      message: expect.stringContaining("'a'"),
    });
    await expect(stat(objects[0]?.file ?? "")).rejects.toThrow("ENOENT");
  });

  test("a byte that changed on its way is mended by reading again", async () => {
    const { store, objects, contents } = await start({ a: 3 * rangeBytes });
    let reads = 0;
    const noisy = withReads(store, async (read, { target }) => {
      const found = await read();
      if (++reads === 2) target[100] = (target[100] ?? 0) ^ 4;
      return found;
    });
    await downloadObjects(noisy, objects);
    await expectWhole(objects, contents);
    expect(reads).toBe(6);
  });

  test("a folder that cannot be made", async () => {
    const { store, folder, objects } = await start({ "a/b": 10 });
    await writeFile(folder, "a file where the folder is to be");
    const thrown = await thrownBy(downloadObjects(store, objects));
    expect(thrown).toMatchObject({
      code: "file.refused",
      message: expect.stringContaining("a/b"),
    });
  });
});
