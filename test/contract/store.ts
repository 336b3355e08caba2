/**
 * What every store must do: one suite, run against each adapter. `open` gives a store that is empty; `again` another
 * client of the same store, as another process would have it.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UserError } from "../../src/base/errors.ts";
import type { Store } from "../../src/store/store.ts";

export type OpenedStore = {
  readonly store: Store;
  again(): Store;
  close(): Promise<void>;
};

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const toText = (bytes: Uint8Array | null | undefined): string | null =>
  bytes ? new TextDecoder().decode(bytes) : null;

async function* chunksOf(
  ...values: readonly string[]
): AsyncGenerator<Uint8Array> {
  for (const value of values) yield text(value);
}

async function pathsOf(store: Store, prefix: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of store.list(prefix)) paths.push(path);
  return paths;
}

/** The code of the UserError that a call ends with. */
async function codeOf(call: Promise<unknown>): Promise<string> {
  const thrown = await call.then(
    () => "nothing was thrown",
    (error: unknown) => error,
  );
  return thrown instanceof UserError ? thrown.code : String(thrown);
}

export function describeStore(
  name: string,
  options: { open(): Promise<OpenedStore> },
): void {
  describe(`${name} keeps the store's contract:`, () => {
    let opened: OpenedStore;
    let store: Store;
    beforeEach(async () => {
      opened = await options.open();
      ({ store } = opened);
    });
    afterEach(() => opened.close());

    describe("plain objects", () => {
      test("what was put is read by another client, byte for byte", async () => {
        const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i * 7);
        await store.put("cas/k/a1/weights.bin", bytes);
        expect(await opened.again().read("cas/k/a1/weights.bin")).toEqual(
          bytes,
        );
      });

      test("an object of no bytes is there, and is not an absent one", async () => {
        await store.put("empty", new Uint8Array());
        expect(await store.read("empty")).toEqual(new Uint8Array());
        expect(await store.stat("empty")).toMatchObject({ sizeBytes: 0 });
      });

      test("an absent object is null for read and stat, and its removal is fine", async () => {
        expect(await store.read("no/such")).toBeNull();
        expect(await store.stat("no/such")).toBeNull();
        await store.remove("no/such");
      });

      test("a folder of objects is not an object, and removing it removes nothing", async () => {
        await store.put("a/b", text("x"));
        expect(await store.stat("a")).toBeNull();
        expect(await store.read("a")).toBeNull();
        expect(await store.readRecord("a")).toBeNull();
        await store.remove("a");
        expect(toText(await store.read("a/b"))).toBe("x");
      });

      test("put replaces the whole object, also by a shorter one", async () => {
        await store.put("a", text("a long first version"));
        await store.put("a", text("short"));
        expect(toText(await store.read("a"))).toBe("short");
      });

      test("an object does not change with the buffers that were given or got", async () => {
        const given = Buffer.from("given");
        await store.put("a", given);
        given.fill(0);
        (await store.read("a"))?.fill(0);
        expect(toText(await store.read("a"))).toBe("given");
      });

      test("a removed object is gone and its path can be used again", async () => {
        await store.put("a/b/c", text("1"));
        await store.remove("a/b/c");
        expect(await store.read("a/b/c")).toBeNull();
        expect(await store.putIfAbsent("a/b/c", text("2"))).toBe("written");
      });

      test("stat tells size and a time that is not in the future", async () => {
        await store.put("a", text("12345"));
        const info = await store.stat("a");
        expect(info).toMatchObject({ path: "a", sizeBytes: 5 });
        expect(info?.modifiedAtMs).toBeGreaterThan(0);
        expect(info?.modifiedAtMs).toBeLessThanOrEqual(Date.now() + 1000);
      });
    });

    describe("ranges", () => {
      test.each([
        { offset: 0, length: 4, want: "0123" },
        { offset: 6, length: 4, want: "6789" },
        { offset: 3, length: 0, want: "" },
        { offset: 10, length: 0, want: "" },
        { offset: 0, length: 10, want: "0123456789" },
      ])("$offset+$length of ten bytes is '$want'", async (range) => {
        await store.put("digits", text("0123456789"));
        expect(toText(await store.read("digits", range))).toBe(range.want);
      });

      test("a range that ends after the object is refused, not cut", async () => {
        await store.put("digits", text("0123456789"));
        expect(
          await codeOf(store.read("digits", { offset: 6, length: 5 })),
        ).toBe("store.range");
        expect(
          await codeOf(store.read("digits", { offset: 11, length: 0 })),
        ).toBe("store.range");
      });

      test("a range of an absent object is null", async () => {
        expect(await store.read("none", { offset: 0, length: 1 })).toBeNull();
      });

      test("a negative or broken range is a bug of the caller", async () => {
        await store.put("digits", text("0123456789"));
        for (const offset of [-1, 0.5, Number.NaN])
          await expect(
            store.read("digits", { offset, length: 1 }),
          ).rejects.toThrow(RangeError);
      });
    });

    describe("streams", () => {
      test("chunks become one object of the promised size", async () => {
        await store.putStream("s", 6, chunksOf("ab", "", "cd", "ef"));
        expect(toText(await store.read("s"))).toBe("abcdef");
      });

      test.each([
        { sizeBytes: 3, words: "more than" },
        { sizeBytes: 9, words: "fewer than" },
      ])(
        "$words promised bytes leave the old object",
        async ({ sizeBytes }) => {
          await store.put("s", text("old"));
          await expect(
            store.putStream("s", sizeBytes, chunksOf("abc", "def")),
          ).rejects.toThrow(/were promised/);
          expect(toText(await store.read("s"))).toBe("old");
          expect(await pathsOf(store, "")).toEqual(["s"]);
        },
      );

      test("an error of the source comes back as it is, and no object appears", async () => {
        const ours = Object.assign(new Error("the source's disk is full"), {
          code: "ENOSPC",
        });
        async function* failing(): AsyncGenerator<Uint8Array> {
          yield text("abc");
          throw ours;
        }
        await expect(store.putStream("s", 6, failing())).rejects.toBe(ours);
        expect(await pathsOf(store, "")).toEqual([]);
      });
    });

    describe("conditional puts", () => {
      test("the second one answers exists and changes nothing", async () => {
        expect(await store.putIfAbsent("m", text("first"))).toBe("written");
        expect(await opened.again().putIfAbsent("m", text("second"))).toBe(
          "exists",
        );
        expect(toText(await store.read("m"))).toBe("first");
      });

      test("of eight writers at once, one wins, in each of 40 rounds, and its bytes stand", async () => {
        const writers = Array.from({ length: 8 }, () => opened.again());
        for (let round = 0; round < 40; round++) {
          const path = `race/${round}/manifest.json`;
          const outcomes = await Promise.all(
            writers.map((writer, i) => writer.putIfAbsent(path, text(`${i}`))),
          );
          const winners = outcomes.flatMap((outcome, i) =>
            outcome === "written" ? [`${i}`] : [],
          );
          expect(winners).toHaveLength(1);
          expect(toText(await store.read(path))).toBe(winners[0]);
        }
      });
    });

    describe("records", () => {
      test("the first write expects none, and the etag it gives is the one that is read", async () => {
        expect(await store.readRecord("claims/k.json")).toBeNull();
        const outcome = await store.swap("claims/k.json", text("1"), null);
        const read = await opened.again().readRecord("claims/k.json");
        expect(toText(read?.bytes)).toBe("1");
        expect(outcome).toEqual({ kind: "written", etag: read?.etag });
      });

      test("a swap that expects another state changes nothing", async () => {
        const first = await mustWrite(store.swap("r", text("1"), null));
        const second = await mustWrite(store.swap("r", text("2"), first));
        for (const expected of [null, first, `${second}x`, "", "../r"])
          expect(await store.swap("r", text("3"), expected)).toEqual({
            kind: "changed",
          });
        expect(toText((await store.readRecord("r"))?.bytes)).toBe("2");
      });

      test("an etag does not come back when the same bytes do", async () => {
        const first = await mustWrite(store.swap("r", text("A"), null));
        const second = await mustWrite(store.swap("r", text("B"), first));
        await mustWrite(store.swap("r", text("A"), second));
        expect(await store.swap("r", text("C"), first)).toEqual({
          kind: "changed",
        });
      });

      test("an expected state of a record that never was is changed", async () => {
        const etag = await mustWrite(store.swap("r", text("1"), null));
        expect(await store.swap("other", text("1"), etag)).toEqual({
          kind: "changed",
        });
        expect(await store.readRecord("other")).toBeNull();
      });

      test("a removed record is absent, can be made anew, and does not accept an older state", async () => {
        const first = await mustWrite(store.swap("r", text("1"), null));
        await store.remove("r");
        expect(await store.readRecord("r")).toBeNull();
        expect(await store.stat("r")).toBeNull();
        expect(await store.read("r")).toBeNull();
        expect(await pathsOf(store, "")).toEqual([]);
        expect(await store.swap("r", text("zombie"), first)).toEqual({
          kind: "changed",
        });
        await store.remove("r");
        await mustWrite(store.swap("r", text("2"), null));
        expect(await store.swap("r", text("zombie"), first)).toEqual({
          kind: "changed",
        });
        expect(toText((await store.readRecord("r"))?.bytes)).toBe("2");
      });

      test("eight clients that make one record at once: one makes it, in each of 20 rounds", async () => {
        const clients = Array.from({ length: 8 }, () => opened.again());
        for (let round = 0; round < 20; round++) {
          const outcomes = await Promise.all(
            clients.map((client, i) =>
              client.swap(`new/${round}`, text(`${i}`), null),
            ),
          );
          const winner = outcomes.findIndex(({ kind }) => kind === "written");
          expect(
            outcomes.filter(({ kind }) => kind === "written"),
          ).toHaveLength(1);
          const read = await store.readRecord(`new/${round}`);
          expect(toText(read?.bytes)).toBe(`${winner}`);
        }
      });

      test("eight clients that count up together lose no step and never see one go back", async () => {
        const clients = Array.from({ length: 8 }, () => opened.again());
        const acknowledged: number[] = [];
        await Promise.all(
          clients.map(async (client) => {
            let newest = 0;
            for (let done = 0; done < 12;) {
              const read = await client.readRecord("count");
              const value = Number(toText(read?.bytes) ?? 0);
              expect(value).toBeGreaterThanOrEqual(newest);
              const next = text(String(value + 1));
              const outcome = await client.swap(
                "count",
                next,
                read?.etag ?? null,
              );
              newest = value;
              if (outcome.kind === "changed") continue;
              newest = value + 1;
              acknowledged.push(value + 1);
              done++;
            }
          }),
        );
        const wanted = Array.from({ length: 96 }, (_, i) => i + 1);
        expect(acknowledged.sort((a, b) => a - b)).toEqual(wanted);
        expect(toText((await store.readRecord("count"))?.bytes)).toBe("96");
      });

      test("a record is listed, looked at and shown to people under its own path", async () => {
        await store.put("claims/a.json", text("plain"));
        const etag = await mustWrite(
          store.swap("claims/b.json", text("x"), null),
        );
        await mustWrite(store.swap("claims/b.json", text("four"), etag));
        expect(await pathsOf(store, "")).toEqual([
          "claims/a.json",
          "claims/b.json",
        ]);
        expect(await store.stat("claims/b.json")).toMatchObject({
          path: "claims/b.json",
          sizeBytes: 4,
        });
        expect(toText(await store.read("claims/b.json"))).toBe("four");
      });

      test("one path used both ways is a bug that shows", async () => {
        await mustWrite(store.swap("record", text("1"), null));
        await store.put("plain", text("1"));
        await expect(store.put("record", text("2"))).rejects.toThrow(/both/);
        await expect(store.putIfAbsent("record", text("2"))).rejects.toThrow(
          /both/,
        );
        await expect(store.swap("plain", text("2"), null)).rejects.toThrow(
          /both/,
        );
        expect(toText((await store.readRecord("record"))?.bytes)).toBe("1");
        expect(toText(await store.read("plain"))).toBe("1");
      });
    });

    describe("listing", () => {
      test("objects come in the order of their paths' code units, folders not before files", async () => {
        const paths = [
          "runs/a/status.json",
          "runs/a.txt",
          "runs/a0",
          "runs/B",
          "runs/é",
          "runs/a/logs/2.log",
          "runs/a/logs/10.log",
          "runs/\u{1f600}",
          "runs/\ufffd",
          "zz",
          "a-1/x",
          "a/x",
        ];
        for (const path of paths) await store.put(path, text(path));
        expect(await pathsOf(store, "")).toEqual([...paths].sort());
        expect(await pathsOf(store, "runs/a/")).toEqual([
          "runs/a/logs/10.log",
          "runs/a/logs/2.log",
          "runs/a/status.json",
        ]);
      });

      test("a prefix is a folder: nothing beside it, nothing where there is none", async () => {
        await store.put("runs/a", text("1"));
        await store.put("runs/ab/c", text("1"));
        expect(await pathsOf(store, "runs/a/")).toEqual([]);
        expect(await pathsOf(store, "none/")).toEqual([]);
        expect(await codeOf(pathsOf(store, "runs"))).toBe("store.path");
      });

      test("folders right below a prefix are named in order, each once", async () => {
        for (const path of ["runs/b/x", "runs/a/y", "runs/a/z/w", "runs/file"])
          await store.put(path, text("1"));
        await mustWrite(store.swap("runs/c/control.json", text("1"), null));
        expect(await store.listFolders("runs/")).toEqual(["a", "b", "c"]);
        expect(await store.listFolders("")).toEqual(["runs"]);
        expect(await store.listFolders("none/")).toEqual([]);
      });

      test("a folder whose last object is removed is gone", async () => {
        await store.put("ckpt/k/1-5/state.json", text("1"));
        await store.remove("ckpt/k/1-5/state.json");
        expect(await store.listFolders("")).toEqual([]);
      });

      test("clients that write and remove in one folder at once do not get in each other's way", async () => {
        const clients = Array.from({ length: 6 }, () => opened.again());
        await Promise.all(
          clients.map(async (client, i) => {
            for (let round = 0; round < 25; round++) {
              const path = `ckpt/k/${round}/${i}.bin`;
              if (i % 2 === 0) await client.put(path, text(path));
              else await client.putIfAbsent(path, text(path));
              expect(toText(await client.read(path))).toBe(path);
              await client.remove(path);
            }
          }),
        );
        expect(await pathsOf(store, "")).toEqual([]);
        expect(await store.listFolders("")).toEqual([]);
      });

      test("objects removed during a listing do not break it", async () => {
        for (let i = 0; i < 20; i++) await store.put(`d/${i}`, text("1"));
        const seen: string[] = [];
        for await (const { path } of store.list("d/")) {
          seen.push(path);
          await store.remove(path);
        }
        expect(seen).toContain("d/0");
        expect(await pathsOf(store, "d/")).toEqual([]);
      });

      test("two thousand objects are all listed", async () => {
        const paths = Array.from(
          { length: 2000 },
          (_, i) => `many/${i % 7}/${i}`,
        );
        await Promise.all(paths.map((path) => store.put(path, text(path))));
        expect(await pathsOf(store, "")).toEqual(paths.sort());
      });
    });

    describe("logs", () => {
      test("appended bytes follow each other and are read whole or in ranges", async () => {
        await store.append("runs/r/logs/t.log", text("one\n"));
        await opened.again().append("runs/r/logs/t.log", text("two\n"));
        expect(toText(await store.read("runs/r/logs/t.log"))).toBe(
          "one\ntwo\n",
        );
        expect(
          toText(
            await store.read("runs/r/logs/t.log", { offset: 4, length: 3 }),
          ),
        ).toBe("two");
        expect(await store.stat("runs/r/logs/t.log")).toMatchObject({
          sizeBytes: 8,
        });
      });
    });

    describe("hostile paths", () => {
      const hostile = [
        "",
        "/etc/passwd",
        "../outside",
        "a/../../outside",
        "a/..",
        ".",
        "a/./b",
        "a//b",
        "a/",
        "/",
        "a\0b",
        "a\nb",
        "a\\..\\b",
        ".records/x",
        "claims/.records/k/head",
        ".tmp/x",
        "\ud800",
        "x".repeat(300),
        Array.from({ length: 300 }, () => "long").join("/"),
      ];
      test.each(hostile)("%j is refused by every method", async (path) => {
        const calls: (() => Promise<unknown>)[] = [
          () => store.stat(path),
          () => store.read(path),
          () => store.put(path, text("x")),
          () => store.putIfAbsent(path, text("x")),
          () => store.putStream(path, 1, chunksOf("x")),
          () => store.append(path, text("x")),
          () => store.readRecord(path),
          () => store.swap(path, text("x"), null),
          () => store.remove(path),
        ];
        for (const call of calls)
          expect(await codeOf(call())).toBe("store.path");
        expect(await pathsOf(store, "")).toEqual([]);
      });

      test.each(["/", "../", "a//", "a/../", ".tmp/", "a"])(
        "the prefix %j is refused",
        async (prefix) => {
          expect(await codeOf(pathsOf(store, prefix))).toBe("store.path");
          expect(await codeOf(store.listFolders(prefix))).toBe("store.path");
        },
      );
    });
  });
}

/** The etag of a swap that must succeed. */
async function mustWrite(swap: ReturnType<Store["swap"]>): Promise<string> {
  const outcome = await swap;
  if (outcome.kind === "changed") throw new Error("the swap was not written");
  return outcome.etag;
}
