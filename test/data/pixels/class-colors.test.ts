/** Classes as VOC colours them: the palette of its development kit. */
import { expect, test } from "vitest";
import { colorClasses } from "../../../src/data/pixels/class-colors.ts";

const colorOf = (label: number) => [
  ...colorClasses([label], { width: 1, height: 1 }).pixels,
];

// The first twelve of VOC's colormap and its last two classes, as its annotations have them.
test.each([
  [0, "background", [0, 0, 0]],
  [1, "aeroplane", [128, 0, 0]],
  [2, "bicycle", [0, 128, 0]],
  [3, "bird", [128, 128, 0]],
  [4, "boat", [0, 0, 128]],
  [5, "bottle", [128, 0, 128]],
  [6, "bus", [0, 128, 128]],
  [7, "car", [128, 128, 128]],
  [8, "cat", [64, 0, 0]],
  [9, "chair", [192, 0, 0]],
  [15, "person", [192, 128, 128]],
  [19, "train", [128, 192, 0]],
  [20, "tv monitor", [0, 64, 128]],
  [255, "void", [224, 224, 192]],
])("class %i, %s", (label, _name, want) => {
  expect(colorOf(label)).toEqual(want);
});

test("a picture has the size of its classes, three numbers a pixel, row by row", () => {
  const picture = colorClasses([0, 1, 2, 255, 20, 0], { width: 3, height: 2 });
  expect(picture).toMatchObject({ width: 3, height: 2 });
  expect([...picture.pixels]).toEqual([0, 1, 2, 255, 20, 0].flatMap(colorOf));
});

test("all 256 classes have colours of their own", () => {
  const colors = Array.from({ length: 256 }, (_, k) => colorOf(k).join());
  expect(new Set(colors).size).toBe(256);
});

test("a number that is no class is shown as void", () => {
  expect(colorOf(256)).toEqual(colorOf(255));
});
