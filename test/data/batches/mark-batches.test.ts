import { expect, test } from "vitest";
import { createMarkBatches } from "../../../src/data/batches/mark-batches.ts";

const rows = [
  [1, 0, 255],
  [0, 1, 0],
];
const marks = { of: (sample: number) => Uint8Array.from(rows[sample] ?? []) };

test("targets are 1 where a class is shown, and what nobody can tell has no weight", () => {
  const toBatch = createMarkBatches({ batch: 2, classes: 3, marks });
  const { targets, weights } = toBatch({
    size: 2,
    samples: Int32Array.of(1, 0),
  });
  expect([...targets]).toEqual([0, 1, 0, 1, 0, 0]);
  expect([...weights]).toEqual([1, 1, 1, 1, 1, 0]);
});

test("a batch with fewer images has no weight in the rest, and stays valid until the second call after it", () => {
  const toBatch = createMarkBatches({ batch: 2, classes: 3, marks });
  const first = toBatch({ size: 2, samples: Int32Array.of(0, 0) });
  const second = toBatch({ size: 1, samples: Int32Array.of(1) });
  expect([...second.weights]).toEqual([1, 1, 1, 0, 0, 0]);
  expect([...first.targets]).toEqual([1, 0, 0, 1, 0, 0]);
});
