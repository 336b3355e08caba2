import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hashFile } from "../../src/base/hash-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "hash-file-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

test("a file of several pieces has the hash of its whole content", async () => {
  const bytes = Buffer.alloc(2_500_001, "hueline");
  const file = path.join(folder, "file");
  await writeFile(file, bytes);
  expect(await hashFile(file)).toEqual({
    sizeBytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  });
});

test("a file that is not there is the system's error", async () => {
  await expect(hashFile(path.join(folder, "none"))).rejects.toMatchObject({
    code: "ENOENT",
  });
});
