import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { writeLocalFile } from "../../src/cli/local-folder.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

test("a file is written with the folders that it needs, over an older one, and leaves nothing beside it", async () => {
  const folder = path.join(await createTemporaryFolder(), "a", "b");
  await writeLocalFile(path.join(folder, "c.txt"), "old");
  await writeLocalFile(path.join(folder, "c.txt"), "new");
  expect(await readFile(path.join(folder, "c.txt"), "utf8")).toBe("new");
  expect(await readdir(folder)).toEqual(["c.txt"]);
});

test("a file in the way of a folder and a folder in the way of a file are said, with the place", async () => {
  const folder = await createTemporaryFolder();
  await writeFile(path.join(folder, "file"), "");
  await mkdir(path.join(folder, "folder"));
  const inFile = path.join(folder, "file", "x.txt");
  await expect(writeLocalFile(inFile, "x")).rejects.toMatchObject({
    name: "UserError",
    code: "file.refused",
    message: `cannot write '${inFile}': a file stands where a folder is needed (ENOTDIR)`,
  });
  await expect(
    writeLocalFile(path.join(folder, "folder"), "x"),
  ).rejects.toMatchObject({ code: "file.refused" });
});

test.runIf(process.platform === "linux")(
  "a place where nothing can be made ends with an error, not in a loop",
  async () => {
    await expect(
      writeLocalFile("/proc/hueline/deep/x.txt", "x"),
    ).rejects.toMatchObject({ code: "file.refused" });
  },
);
