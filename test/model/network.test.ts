import { expect, test } from "vitest";
import {
  geometryOf,
  placesOf,
  readLayers,
  widthOf,
  type Network,
} from "../../src/model/network.ts";
import { networkOf } from "../../src/model/networks.ts";
import { convolution } from "../../src/model/networks/layers.ts";
import { encoderDeclarations } from "../../src/model/encoder-weights.ts";
import { parameterCount } from "../../src/model/weights.ts";

const conv6 = networkOf("conv6");

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

test("a strided convolution starts where SAME padding puts it", () => {
  const layer = (name: string) =>
    convolution({ name, kernel: 3, stride: 2, width: 1 });
  const network: Network = {
    ...conv6,
    layers: [layer("a"), layer("b")],
    hypercolumn: ["a", "b"],
  };
  const [first, second] = geometryOf(network);
  // Kernel 3, stride 2 on an even side: one pixel of padding, all of it at the far end.
  expect(first).toMatchObject({ stride: 2, offset: 1, receptiveField: 3 });
  expect(second).toMatchObject({ stride: 4, offset: 3, receptiveField: 7 });
});

test("padding of half a window on every side keeps cell 0 on pixel 0, whatever the stride", () => {
  const layer = (name: string, kernel: number) =>
    convolution({
      name,
      kernel,
      stride: 2,
      padding: (kernel - 1) / 2,
      width: 1,
    });
  const network: Network = {
    ...conv6,
    layers: [layer("a", 7), layer("b", 3)],
    hypercolumn: ["a", "b"],
  };
  for (const { offset } of geometryOf(network)) expect(offset).toBe(0);
});

test("a hypercolumn of a layer that is not there is refused by name", () => {
  const network: Network = { ...conv6, hypercolumn: ["conv7"] };
  expect(() => geometryOf(network)).toThrow("no layer 'conv7'");
});

test("a read-out without a hypercolumn sees the last layer alone", () => {
  expect(readLayers([1, 2, 3], true)).toEqual([1, 2, 3]);
  expect(readLayers([1, 2, 3], false)).toEqual([3]);
});

test("the image itself has a place: one pixel per cell, as many channels as the network reads", () => {
  expect(placesOf(conv6).get("input")).toEqual({
    name: "input",
    width: 1,
    stride: 1,
    offset: 0,
    receptiveField: 1,
  });
});
