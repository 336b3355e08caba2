/** Part of the stores' contract: listing, and paths that are refused. */
import { describe, expect, test } from "vitest";
import {
  chunksOf,
  codeOf,
  mustWrite,
  pathsOf,
  text,
  toText,
} from "./_store-support.ts";
import type { OpenedStore } from "./_store-support.ts";

/** `at` is filled anew before each test. */
export function describePaths(at: OpenedStore): void {
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
      for (const path of paths) await at.store.put(path, text(path));
      expect(await pathsOf(at.store, "")).toEqual([...paths].sort());
      expect(await pathsOf(at.store, "runs/a/")).toEqual([
        "runs/a/logs/10.log",
        "runs/a/logs/2.log",
        "runs/a/status.json",
      ]);
    });

    test("a prefix is a folder: nothing beside it, nothing where there is none", async () => {
      await at.store.put("runs/a", text("1"));
      await at.store.put("runs/ab/c", text("1"));
      expect(await pathsOf(at.store, "runs/a/")).toEqual([]);
      expect(await pathsOf(at.store, "none/")).toEqual([]);
      expect(await codeOf(pathsOf(at.store, "runs"))).toBe("store.path");
    });

    test("folders right below a prefix are named in order, each once", async () => {
      for (const path of ["runs/b/x", "runs/a/y", "runs/a/z/w", "runs/file"])
        await at.store.put(path, text("1"));
      await mustWrite(at.store.swap("runs/c/control.json", text("1"), null));
      expect(await at.store.listFolders("runs/")).toEqual(["a", "b", "c"]);
      expect(await at.store.listFolders("")).toEqual(["runs"]);
      expect(await at.store.listFolders("none/")).toEqual([]);
    });

    test("a folder whose last object is removed is gone", async () => {
      await at.store.put("ckpt/k/1-5/state.json", text("1"));
      await at.store.remove("ckpt/k/1-5/state.json");
      expect(await at.store.listFolders("")).toEqual([]);
    });

    test("clients that write and remove in one folder at once do not get in each other's way", async () => {
      const clients = Array.from({ length: 6 }, () => at.again());
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
      expect(await pathsOf(at.store, "")).toEqual([]);
      expect(await at.store.listFolders("")).toEqual([]);
    });

    test("objects removed during a listing do not break it", async () => {
      for (let i = 0; i < 20; i++) await at.store.put(`d/${i}`, text("1"));
      const seen: string[] = [];
      for await (const { path } of at.store.list("d/")) {
        seen.push(path);
        await at.store.remove(path);
      }
      expect(seen).toContain("d/0");
      expect(await pathsOf(at.store, "d/")).toEqual([]);
    });

    test("two thousand objects are all listed", async () => {
      const paths = Array.from(
        { length: 2000 },
        (_, i) => `many/${i % 7}/${i}`,
      );
      await Promise.all(paths.map((path) => at.store.put(path, text(path))));
      expect(await pathsOf(at.store, "")).toEqual(paths.sort());
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
        () => at.store.stat(path),
        () => at.store.read(path),
        () => at.store.put(path, text("x")),
        () => at.store.putIfAbsent(path, text("x")),
        () => at.store.putStream(path, 1, chunksOf("x")),
        () => at.store.append(path, text("x")),
        () => at.store.readRecord(path),
        () => at.store.swap(path, text("x"), null),
        () => at.store.remove(path),
      ];
      for (const call of calls) expect(await codeOf(call())).toBe("store.path");
      expect(await pathsOf(at.store, "")).toEqual([]);
    });

    test.each(["/", "../", "a//", "a/../", ".tmp/", "a"])(
      "the prefix %j is refused",
      async (prefix) => {
        expect(await codeOf(pathsOf(at.store, prefix))).toBe("store.path");
        expect(await codeOf(at.store.listFolders(prefix))).toBe("store.path");
      },
    );
  });
}
