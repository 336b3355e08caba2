import { expect, test } from "vitest";
import { geometryOf, readLayers, widthOf } from "../../src/model/network.ts";
import { networks } from "../../src/model/networks.ts";
import { encoderDeclarations } from "../../src/model/encoder-weights.ts";
import { parameterCount } from "../../src/model/weights.ts";
import type { Network } from "../../src/model/network.ts";

const { conv6 } = networks;

test("conv6 has strides 1 2 4 4 8 8, centred cells and the widths of the tiny study", () => {
  const layers = geometryOf(conv6);
  expect(layers.map((l) => l.stride)).toEqual([1, 2, 4, 4, 8, 8]);
  for (const { stride, offset } of layers)
    expect(offset).toBe((stride - 1) / 2);
  expect(layers.map((l) => l.width)).toEqual([16, 32, 64, 64, 128, 128]);
  expect(widthOf(layers)).toBe(432);
});

test("conv6 sees 62 pixels in its last layer", () => {
  // By hand: +2 per convolution and +1 per pool, times the stride before it.
  expect(geometryOf(conv6).map((l) => l.receptiveField)).toEqual([
    3, 8, 18, 26, 46, 62,
  ]);
});

test("conv6 has 9·(16 + 16·32 + 32·64 + 64·64 + 64·128 + 128·128) weights and 432 biases", () => {
  const convolutions =
    9 * (16 + 16 * 32 + 32 * 64 + 64 * 64 + 64 * 128 + 128 * 128);
  expect(parameterCount(encoderDeclarations(conv6))).toBe(convolutions + 432);
});

test("VGG-16's convolutions, as a declaration, have the receptive fields of the paper's table", () => {
  const groups = [2, 2, 3, 3, 3];
  const layers = groups.flatMap((count, group) =>
    Array.from({ length: count }, (_, i) => ({
      name: `conv${group + 1}_${i + 1}`,
      pool: group > 0 && i === 0 ? 2 : 1,
      kernel: 3,
      stride: 1,
      width: 64,
    })),
  );
  const fc6 = { name: "fc6", pool: 2, kernel: 7, stride: 1, width: 64 };
  const vgg: Network = { ...conv6, layers: [...layers, fc6] };
  const geometry = geometryOf(vgg);
  expect(geometry.at(-2)).toMatchObject({ receptiveField: 196, stride: 16 });
  expect(geometry.at(-1)).toMatchObject({ receptiveField: 404, stride: 32 });
});

test("a strided convolution starts where SAME padding puts it", () => {
  const layer = { name: "c", pool: 1, kernel: 3, stride: 2, width: 1 };
  const [first, second] = geometryOf({ ...conv6, layers: [layer, layer] });
  // Kernel 3, stride 2 on an even side: one pixel of padding, all of it at the far end.
  expect(first).toMatchObject({ stride: 2, offset: 1, receptiveField: 3 });
  expect(second).toMatchObject({ stride: 4, offset: 3, receptiveField: 7 });
});

test("a read-out without a hypercolumn sees the last layer alone", () => {
  expect(readLayers([1, 2, 3], true)).toEqual([1, 2, 3]);
  expect(readLayers([1, 2, 3], false)).toEqual([3]);
});
