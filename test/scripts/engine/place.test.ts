import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  checkFreeSpace,
  putInPlace,
  refuseForeignFolder,
} from "../../../scripts/engine/place.ts";
import { stampName } from "../../../src/engine/stamp.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "hueline-place-"));
});
afterEach(() => rmSync(root, { recursive: true }));

test("too little free space is refused before the download, in megabytes and with the way out", async () => {
  await expect(checkFreeSpace(root, 1)).resolves.toBeUndefined();
  await expect(checkFreeSpace(root, 1e18)).rejects.toMatchObject({
    code: "engine.disk-space",
    message: expect.stringMatching(
      /needs 1000000000000 MB in .*; \d+ MB are free/,
    ) as string,
    hint: expect.stringContaining("XDG_CACHE_HOME") as string,
  });
});

test("only an absent folder, an empty folder or an engine may be replaced", async () => {
  await expect(
    refuseForeignFolder(join(root, "absent")),
  ).resolves.toBeUndefined();
  await expect(refuseForeignFolder(root)).resolves.toBeUndefined();
  writeFileSync(join(root, "file"), "");
  await expect(refuseForeignFolder(root)).rejects.toMatchObject({
    code: "engine.foreign-folder",
  });
  writeFileSync(join(root, stampName), "");
  await expect(refuseForeignFolder(root)).resolves.toBeUndefined();
});

test("a broken engine gives way to the finished one, and nothing of it stays", async () => {
  const [scratch, directory] = [join(root, "scratch"), join(root, "engine")];
  for (const folder of [scratch, directory]) {
    mkdirSync(folder);
    writeFileSync(join(folder, "who"), folder);
  }
  await putInPlace(scratch, directory, false);
  expect(readdirSync(root)).toEqual(["engine"]);
  expect(readFileSync(join(directory, "who"), "utf8")).toBe(scratch);
});
