import { describe, expect, test } from "vitest";
import { drawLabels } from "../../../src/data/labels/draw-labels.ts";

/** 20 classes, 50 images each, and 100 images without a label. */
const dataset = {
  size: 1100,
  classes: Array.from({ length: 20 }, (_, i) => `c${i}`),
  label: (sample: number) => (sample < 1000 ? sample % 20 : -1),
};
/** Two classes a bucket. */
const bucketOf = Int32Array.from({ length: 20 }, (_, label) => label >> 1);
const draw = (own: {
  perClass?: number | "all";
  noise?: number;
  seed?: number;
}) =>
  drawLabels(dataset, {
    bucketOf,
    buckets: 10,
    perClass: "all",
    noise: 0,
    seed: 1,
    ...own,
  });
const rightOf = (sample: number) => bucketOf[dataset.label(sample)] as number;

describe("labels to train with", () => {
  test("are those of the buckets; what has no label has none", () => {
    const { labels, images, right } = draw({});
    expect({ images, right }).toEqual({ images: 1000, right: 1000 });
    labels.forEach((label, sample) => {
      expect(label).toBe(sample < 1000 ? rightOf(sample) : -1);
    });
  });

  test("C-n: so many images of each class, the same for the same seed", () => {
    const { labels, images } = draw({ perClass: 7 });
    expect(images).toBe(140);
    for (let label = 0; label < 20; label++)
      expect(
        labels.filter((own, s) => own >= 0 && dataset.label(s) === label),
      ).toHaveLength(7);
    expect(draw({ perClass: 7 }).labels).toEqual(labels);
    expect(draw({ perClass: 7, seed: 2 }).labels).not.toEqual(labels);
  });

  test.each([0.1, 0.5])(
    "E: of 1000 labels exactly that share is wrong, spread over all other labels, at noise %d",
    (noise) => {
      const { labels, right } = draw({ noise });
      const wrong = [...labels.keys()].filter(
        (s) => s < 1000 && labels[s] !== rightOf(s),
      );
      expect(wrong).toHaveLength(1000 * noise);
      expect(right).toBe(1000 - wrong.length);
      const shifts = new Set(
        wrong.map((s) => ((labels[s] as number) - rightOf(s) + 10) % 10),
      );
      expect(shifts).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8, 9]));
      expect(labels.every((label) => label < 10)).toBe(true);
      expect(draw({ noise }).labels).toEqual(labels);
    },
  );

  test("noise falls on the images that are kept", () => {
    const { labels, images, right } = draw({ perClass: 10, noise: 0.5 });
    expect({ images, right }).toEqual({ images: 200, right: 100 });
    expect(
      labels.filter((own, s) => own >= 0 && own === rightOf(s)),
    ).toHaveLength(100);
  });
});
