/**
 * Other programs' layouts of weights and ours, both ways. Pure.
 *
 * PyTorch has convolutions as [out, in / groups, height, width] and linear layers as [out, in]; ours are [height, width,
 * in / groups, out] and [in, out]. A linear layer on a flattened map (channels first there) is a convolution of the map's size
 * here: turning one into the other is a matter of shape and order alone (paper, section 2.1).
 */
import type { WeightArray } from "./weights.ts";

export type TensorLayout = {
  /** Of our weight of this shape, over there. */
  shapeThere(shape: readonly number[]): readonly number[];
  toOurs(theirs: WeightArray, shape: readonly number[]): WeightArray;
  toTheirs(ours: WeightArray): WeightArray;
};

/** [out, in, height, width] there. */
export const kernelLayout: TensorLayout = {
  shapeThere: ([h = 1, w = 1, inputs = 1, out = 1]) => [out, inputs, h, w],
  toOurs: (theirs) => permute(theirs, [2, 3, 1, 0]),
  toTheirs: (ours) => permute(ours, [3, 2, 0, 1]),
};

/** [out, in · height · width] there. */
export const flattenedLayout: TensorLayout = {
  shapeThere: ([h = 1, w = 1, inputs = 1, out = 1]) => [out, inputs * h * w],
  toOurs: ({ values }, shape) =>
    kernelLayout.toOurs(
      { shape: kernelLayout.shapeThere(shape), values },
      shape,
    ),
  toTheirs(ours) {
    const { values } = kernelLayout.toTheirs(ours);
    return { shape: this.shapeThere(ours.shape), values };
  },
};

/** [out, in] there. */
export const linearLayout: TensorLayout = {
  shapeThere: ([inputs = 1, out = 1]) => [out, inputs],
  toOurs: (theirs) => permute(theirs, [1, 0]),
  toTheirs: (ours) => permute(ours, [1, 0]),
};

export const vectorLayout: TensorLayout = {
  shapeThere: (shape) => shape,
  toOurs: (theirs) => theirs,
  toTheirs: (ours) => ours,
};

/** The array with its dimension `order[k]` as dimension k. */
function permute(
  { shape, values }: WeightArray,
  order: readonly number[],
): WeightArray {
  const strides = shape.map((_, k) =>
    shape.slice(k + 1).reduce((size, side) => size * side, 1),
  );
  const sides = padded(order.map((k) => shape[k] ?? 1));
  const steps = padded(order.map((k) => strides[k] ?? 0));
  const moved = new Float32Array(values.length);
  let to = 0;
  for (let a = 0; a < sides[0]; a++)
    for (let b = 0; b < sides[1]; b++)
      for (let c = 0; c < sides[2]; c++) {
        const from = a * steps[0] + b * steps[1] + c * steps[2];
        for (let d = 0; d < sides[3]; d++)
          moved[to++] = values[from + d * steps[3]] as number;
      }
  return { shape: order.map((k) => shape[k] ?? 1), values: moved };
}

/** Four numbers, ones in front: an array of fewer dimensions as one of four. */
function padded(
  numbers: readonly number[],
): readonly [number, number, number, number] {
  const ones = [1, 1, 1, 1].slice(numbers.length);
  return [...ones, ...numbers] as unknown as [number, number, number, number];
}
