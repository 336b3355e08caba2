import { describe, expect, test } from "vitest";
import { toBuckets } from "../../../src/data/labels/buckets.ts";

const drawn = { perClass: "all", noise: 0 } as const;
const classes = Array.from({ length: 53 }, (_, i) => ({
  name: `class-${i}`,
  images: 5,
}));
const random = (buckets: number, seed: number) =>
  toBuckets("random", { kind: "random", buckets, ...drawn }, { classes, seed });

describe("random buckets", () => {
  test("have every class once, and sizes that differ by at most one", () => {
    for (const buckets of [2, 16, 50, 53]) {
      const found = random(buckets, 3);
      expect(found).toHaveLength(buckets);
      expect(
        found.flatMap((own) => own.classes).toSorted((a, b) => a - b),
      ).toEqual([...classes.keys()]);
      const sizes = found.map((own) => own.classes.length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }
  });

  test("are the same for the same seed and others for another", () => {
    expect(random(16, 3)).toEqual(random(16, 3));
    expect(random(16, 3)).not.toEqual(random(16, 4));
  });

  test("can not be more than there are classes", () => {
    expect(() => random(54, 0)).toThrow(
      expect.objectContaining({
        code: "labels.too-many-buckets",
        message:
          "expected at most 53 buckets for the 53 classes of the dataset, found 54",
      }),
    );
  });
});

test("classes as they are keep their names and numbers", () => {
  const settings = { kind: "classes", ...drawn } as const;
  const found = toBuckets("classes", settings, { classes, seed: 9 });
  expect(found[7]).toEqual({ name: "class-7", classes: [7] });
  expect(found).toHaveLength(53);
});
