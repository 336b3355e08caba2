/** Downloads and uploads of many files over a bucket whose requests fail: what arrives is right, or it is an error. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { downloadObjects } from "../../../src/store/transfer/download-objects.ts";
import { uploadFiles } from "../../../src/store/transfer/upload-files.ts";
import { createRandomFaults } from "../../support/s3-server/faults.ts";
import { start } from "../../support/s3-server/fixture.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

test("files go up and come back the same, with a fifth of the requests failing", async () => {
  const { server, store } = await start({}, () => ({
    limits: { tries: 50, firstDelayMs: 1, maxDelayMs: 4 },
    partBytes: 5 * 1024 * 1024,
  }));
  server.setFaults(createRandomFaults({ seed: 7, rate: 0.2, slowMs: null }));
  const folder = await createTemporaryFolder();
  await mkdir(`${folder}/in`);
  const contents = [0, 10, 3_000_000, 17_000_000].map((size, i) =>
    Buffer.alloc(size, `file ${i} `),
  );
  const files = contents.map((_, i) => ({
    file: `${folder}/in/${i}`,
    path: `data/${i}.bin`,
  }));
  for (const [i, { file }] of files.entries())
    await writeFile(file, contents[i] ?? "");
  const uploaded = await uploadFiles(store, files);
  const objects = uploaded.map((object, i) => ({
    ...object,
    file: `${folder}/out/${i}`,
  }));
  await downloadObjects(store, objects);
  for (const [i, { file }] of objects.entries())
    expect((await readFile(file)).equals(contents[i] ?? Buffer.of(1))).toBe(
      true,
    );
});
