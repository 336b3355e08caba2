import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import {
  enlarge,
  pixelGrid,
  squareGrid,
  thinOut,
} from "../../src/model/resample.ts";
import { testEngine } from "../support/engine.ts";

beforeAll(() => {
  testEngine();
});

/** A ramp: each cell's value is the pixel that its centre lies at. */
function rampOf(place: { stride: number; offset: number }, cells: number) {
  const centres = Array.from(
    { length: cells },
    (_, i) => place.offset + i * place.stride,
  );
  return tf.tensor4d(
    centres.flatMap((y) => centres.map((x) => 100 * y + x)),
    [1, cells, cells, 1],
  );
}

const rows = (maps: tf.Tensor4D) =>
  (maps.arraySync()[0] as number[][][]).map((row) =>
    row.map(([value]) => value),
  );

test("a square grid has a cell in the middle of each square, and one more for what is left at the far edges", () => {
  expect(squareGrid([16, 9], 4)).toEqual({
    height: 4,
    width: 3,
    stride: 4,
    offset: 1.5,
  });
  expect(pixelGrid([3, 5])).toEqual({
    height: 3,
    width: 5,
    stride: 1,
    offset: 0,
  });
});

test("a finer layer gives the cell nearest to each cell of the grid", () => {
  const grid = squareGrid([8, 8], 4);
  const pixels = rampOf({ stride: 1, offset: 0 }, 8);
  // The grid's cells lie at 1.5 and 5.5: of two pixels as near, the farther one.
  expect(rows(thinOut(pixels, { stride: 1, offset: 0 }, grid))).toEqual([
    [202, 206],
    [602, 606],
  ]);
  const pairs = rampOf({ stride: 2, offset: 0.5 }, 4);
  expect(rows(thinOut(pairs, { stride: 2, offset: 0.5 }, grid))).toEqual([
    [252.5, 256.5],
    [652.5, 656.5],
  ]);
});

test.each([
  ["centred cells", { stride: 8, offset: 3.5 }],
  ["cells that begin at pixel 0", { stride: 8, offset: 0 }],
  ["a stride that the grid's does not divide", { stride: 6, offset: 2.5 }],
])("a coarser layer is mixed by where its cells lie: %s", (_name, place) => {
  const grid = squareGrid([32, 32], 4);
  const cells = Math.ceil(32 / place.stride);
  const found = rows(enlarge(rampOf(place, cells), place, grid));
  const last = place.offset + (cells - 1) * place.stride;
  const want = (i: number) =>
    Math.max(place.offset, Math.min(last, 1.5 + 4 * i));
  for (const [y, row] of found.entries())
    for (const [x, value] of row.entries())
      expect(value).toBeCloseTo(100 * want(y) + want(x), 2);
});

test("a layer on the grid itself is neither thinned out nor enlarged", () => {
  const place = { stride: 4, offset: 1.5 };
  const maps = rampOf(place, 4);
  const grid = squareGrid([16, 16], 4);
  expect(thinOut(maps, place, grid)).toBe(maps);
  expect(enlarge(maps, place, grid)).toBe(maps);
});
