/** Part of the stores' contract: plain objects, whole, in ranges, from streams, appended to. */
import { describe, expect, test } from "vitest";
import { chunksOf, codeOf, pathsOf, text, toText } from "./_store-support.ts";
import type { OpenedStore } from "./_store-support.ts";

/** `at` is filled anew before each test. */
export function describeObjects(at: OpenedStore): void {
  describe("plain objects", () => {
    test("what was put is read by another client, byte for byte", async () => {
      const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i * 7);
      await at.store.put("cas/k/a1/weights.bin", bytes);
      expect(await at.again().read("cas/k/a1/weights.bin")).toEqual(bytes);
    });

    test("an object of no bytes is there, and is not an absent one", async () => {
      await at.store.put("empty", new Uint8Array());
      expect(await at.store.read("empty")).toEqual(new Uint8Array());
      expect(await at.store.stat("empty")).toMatchObject({ sizeBytes: 0 });
    });

    test("an absent object is null for read and stat, and its removal is fine", async () => {
      expect(await at.store.read("no/such")).toBeNull();
      expect(await at.store.stat("no/such")).toBeNull();
      await at.store.remove("no/such");
    });

    test("a folder of objects is not an object, and removing it removes nothing", async () => {
      await at.store.put("a/b", text("x"));
      expect(await at.store.stat("a")).toBeNull();
      expect(await at.store.read("a")).toBeNull();
      expect(await at.store.readRecord("a")).toBeNull();
      await at.store.remove("a");
      expect(toText(await at.store.read("a/b"))).toBe("x");
    });

    test("put replaces the whole object, also by a shorter one", async () => {
      await at.store.put("a", text("a long first version"));
      await at.store.put("a", text("short"));
      expect(toText(await at.store.read("a"))).toBe("short");
    });

    test("an object does not change with the buffers that were given or got", async () => {
      const given = Buffer.from("given");
      await at.store.put("a", given);
      given.fill(0);
      (await at.store.read("a"))?.fill(0);
      expect(toText(await at.store.read("a"))).toBe("given");
    });

    test("a removed object is gone and its path can be used again", async () => {
      await at.store.put("a/b/c", text("1"));
      await at.store.remove("a/b/c");
      expect(await at.store.read("a/b/c")).toBeNull();
      expect(await at.store.putIfAbsent("a/b/c", text("2"))).toBe("written");
    });

    test("stat tells size and a time that is not in the future", async () => {
      await at.store.put("a", text("12345"));
      const info = await at.store.stat("a");
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
      await at.store.put("digits", text("0123456789"));
      expect(toText(await at.store.read("digits", range))).toBe(range.want);
    });

    test("a range that ends after the object is refused, not cut", async () => {
      await at.store.put("digits", text("0123456789"));
      expect(
        await codeOf(at.store.read("digits", { offset: 6, length: 5 })),
      ).toBe("store.range");
      expect(
        await codeOf(at.store.read("digits", { offset: 11, length: 0 })),
      ).toBe("store.range");
    });

    test("a range of an absent object is null", async () => {
      expect(await at.store.read("none", { offset: 0, length: 1 })).toBeNull();
    });

    test("a negative or broken range is a bug of the caller", async () => {
      await at.store.put("digits", text("0123456789"));
      for (const offset of [-1, 0.5, Number.NaN])
        await expect(
          at.store.read("digits", { offset, length: 1 }),
        ).rejects.toThrow(RangeError);
    });
  });

  test("bytes in shared memory are written as others are", async () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(6));
    bytes.set(text("abcdef"));
    await at.store.put("s", bytes);
    expect(toText(await at.store.read("s"))).toBe("abcdef");
  });

  describe("streams", () => {
    test("chunks become one object of the promised size", async () => {
      await at.store.putStream("s", 6, chunksOf("ab", "", "cd", "ef"));
      expect(toText(await at.store.read("s"))).toBe("abcdef");
    });

    test.each([
      { sizeBytes: 3, words: "more than" },
      { sizeBytes: 9, words: "fewer than" },
    ])("$words promised bytes leave the old object", async ({ sizeBytes }) => {
      await at.store.put("s", text("old"));
      await expect(
        at.store.putStream("s", sizeBytes, chunksOf("abc", "def")),
      ).rejects.toThrow(/were promised/);
      expect(toText(await at.store.read("s"))).toBe("old");
      expect(await pathsOf(at.store, "")).toEqual(["s"]);
    });

    test("an error of the source comes back as it is, and no object appears", async () => {
      const ours = Object.assign(new Error("the source's disk is full"), {
        code: "ENOSPC",
      });
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield text("abc");
        throw ours;
      }
      await expect(at.store.putStream("s", 6, failing())).rejects.toBe(ours);
      expect(await pathsOf(at.store, "")).toEqual([]);
    });
  });

  describe("logs", () => {
    test("appended bytes follow each other and are read whole or in ranges", async () => {
      await at.store.append("runs/r/logs/t.log", text("one\n"));
      await at.again().append("runs/r/logs/t.log", text("two\n"));
      expect(toText(await at.store.read("runs/r/logs/t.log"))).toBe(
        "one\ntwo\n",
      );
      expect(
        toText(
          await at.store.read("runs/r/logs/t.log", { offset: 4, length: 3 }),
        ),
      ).toBe("two");
      expect(await at.store.stat("runs/r/logs/t.log")).toMatchObject({
        sizeBytes: 8,
      });
    });
  });
}
