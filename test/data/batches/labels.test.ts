import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  drawBalanced,
  samplesByClass,
  splitHeldOut,
  type LabelledSamples,
} from "../../../src/data/batches/labels.ts";

function toDataset(
  labels: readonly number[],
  classes: number,
): LabelledSamples {
  return {
    size: labels.length,
    classes: Array.from({ length: classes }, (_, i) => `class-${i}`),
    label: (sample) => labels[sample] ?? -1,
  };
}

const dataset = toDataset(
  Array.from({ length: 1000 }, (_, i) => (i % 11 === 10 ? -1 : i % 11)),
  10,
);
const seed = fc.integer({ min: 0, max: 2 ** 31 });
const countsOf = (samples: Int32Array) =>
  samplesByClass(dataset, samples).map((own) => own.length);

describe("a few-label draw", () => {
  it("has exactly n different samples of each class, for any seed", () => {
    fc.assert(
      fc.property(seed, fc.integer({ min: 1, max: 90 }), (s, perClass) => {
        const drawn = drawBalanced(dataset, { perClass, seed: s });
        expect(countsOf(drawn)).toEqual(dataset.classes.map(() => perClass));
        expect(new Set(drawn).size).toBe(perClass * 10);
      }),
    );
  });

  it("depends on the seed alone, and more labels contain fewer", () => {
    const draw = (perClass: number, s: number) =>
      drawBalanced(dataset, { perClass, seed: s });
    expect(draw(10, 5)).toEqual(draw(10, 5));
    expect(draw(10, 5)).not.toEqual(draw(10, 6));
    const more = new Set(draw(50, 5));
    expect([...draw(10, 5)].every((sample) => more.has(sample))).toBe(true);
  });

  it("takes every labelled sample for 'all' and no other", () => {
    const drawn = drawBalanced(dataset, { perClass: "all", seed: 5 });
    const wanted = Array.from({ length: 1000 }, (_, i) => i).filter(
      (i) => dataset.label(i) >= 0,
    );
    expect([...drawn].toSorted((a, b) => a - b)).toEqual(wanted);
  });

  it("names the class that has too few", () => {
    const uneven = toDataset([0, 0, 0, 1, 0, 1, 0], 2);
    expect(() => drawBalanced(uneven, { perClass: 3, seed: 0 })).toThrow(
      "expected at least 3 labelled images per class; class 'class-1' has 2",
    );
  });

  it("refuses a dataset without labels", () => {
    const bare = toDataset([-1, -1, -1], 0);
    for (const perClass of [1, "all"] as const)
      expect(() => drawBalanced(bare, { perClass, seed: 0 })).toThrow(
        /none of the 3 images of the dataset has a label/,
      );
  });
});

describe("holding out", () => {
  it("splits the draw per class: disjoint, complete, a tenth of each class", () => {
    fc.assert(
      fc.property(seed, fc.integer({ min: 2, max: 90 }), (s, perClass) => {
        const drawn = drawBalanced(dataset, { perClass, seed: s });
        const { train, validation } = splitHeldOut(dataset, drawn, {
          fraction: 0.1,
          seed: s,
        });
        const both = [...train, ...validation].toSorted((a, b) => a - b);
        expect(both).toEqual([...drawn].toSorted((a, b) => a - b));
        const held = Math.max(1, Math.round(perClass / 10));
        expect(countsOf(validation)).toEqual(dataset.classes.map(() => held));
      }),
    );
  });

  it("always leaves something to train on, and refuses a single image per class", () => {
    const drawn = drawBalanced(dataset, { perClass: 2, seed: 1 });
    const split = { fraction: 0.99, seed: 1 };
    expect(countsOf(splitHeldOut(dataset, drawn, split).train)).toEqual(
      dataset.classes.map(() => 1),
    );
    const single = drawBalanced(dataset, { perClass: 1, seed: 1 });
    expect(() => splitHeldOut(dataset, single, split)).toThrow(
      /at least 2 labelled images per class to hold some out/,
    );
  });
});
