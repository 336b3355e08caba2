/**
 * Hypercolumns: what every layer has to say about one pixel, side by side (paper, section 1.6).
 *
 * Sparse: a few places per image are read out of each layer by one gather of four cells a place; no upsampled map is ever
 * made, and gradients flow back to those cells. Dense: every cell of a grid, for whole pictures. There a linear layer is applied to
 * each layer's map first and the results are upsampled and added: the same sum (bilinear mixing and a linear layer
 * commute), at the cost of the small maps.
 *
 * A Pixel (y, x) lies at u = clamp((y − offset) / stride, 0, h − 1) in a layer of height h, alike for x; both read-outs agree to
 *   rounding. A layer of stride 1 returns the cell itself. (The paper keeps u below h − 1 by a small ε, so that cell u + 1
 *   exists; here the far neighbour of the last cell is that cell.)
 * Shape suffixes: N images, H height, W width, C channels, P places (all images' in turn), K corners, R rows of a gather.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Activation } from "./encoder.ts";
import type { LayerGeometry } from "./network.ts";
import { enlarge, thinOut, type Grid } from "./resample.ts";

/** Reads layers at integer pixels; places of image 0 first. Returns [P, sum of widths]. */
export function readSparse(
  layers: readonly Activation[],
  ys_P: tf.Tensor1D,
  xs_P: tf.Tensor1D,
): tf.Tensor2D {
  return tf.concat(
    layers.map((layer) => readLayer(layer, ys_P, xs_P)),
    1,
  );
}

function readLayer(
  layer: Activation,
  ys_P: tf.Tensor1D,
  xs_P: tf.Tensor1D,
): tf.Tensor2D {
  const [n, h, w, c] = layer.maps_NHWC.shape;
  const places = ys_P.size;
  const rows_RC = tf.reshape<tf.Rank.R2>(layer.maps_NHWC, [n * h * w, c]);
  const firstRow_P = firstRows(n, h * w, places / n);
  if (isImageSized(layer))
    return tf.gather(rows_RC, rowOf(firstRow_P, ys_P, xs_P, w));

  const y = between(ys_P, layer, h);
  const x = between(xs_P, layer, w);
  const rows_KP = tf.concat([
    rowOf(firstRow_P, y.cell, x.cell, w),
    rowOf(firstRow_P, y.cell, x.next, w),
    rowOf(firstRow_P, y.next, x.cell, w),
    rowOf(firstRow_P, y.next, x.next, w),
  ]);
  const shares_KP = tf.stack([
    tf.mul(y.near, x.near),
    tf.mul(y.near, x.far),
    tf.mul(y.far, x.near),
    tf.mul(y.far, x.far),
  ]);
  const corners_KPC = tf.reshape(tf.gather(rows_RC, rows_KP), [4, places, c]);
  return tf.sum(tf.mul(corners_KPC, tf.expandDims(shares_KP, 2)), 0);
}

/** Row of the first cell of the image that each place belongs to. */
function firstRows(
  images: number,
  rowsPerImage: number,
  placesPerImage: number,
): tf.Tensor1D {
  const first = Int32Array.from(
    { length: images },
    (_, image) => image * rowsPerImage,
  );
  const first_N1 = tf.tensor2d(first, [images, 1], "int32");
  const spread = tf.broadcastTo(first_N1, [images, placesPerImage]);
  return tf.reshape(spread, [images * placesPerImage]);
}

function rowOf(
  firstRow_P: tf.Tensor1D,
  y_P: tf.Tensor1D,
  x_P: tf.Tensor1D,
  width: number,
): tf.Tensor1D {
  const across = tf.mul(y_P, tf.scalar(width, "int32"));
  return tf.add(tf.add(firstRow_P, across), x_P);
}

type Between = {
  /** The cell before and the one after, int32. */
  readonly cell: tf.Tensor1D;
  readonly next: tf.Tensor1D;
  /** Their shares. */
  readonly near: tf.Tensor1D;
  readonly far: tf.Tensor1D;
};

/** Where pixels lie between the cells of a layer along one axis (invariant A). */
function between(
  pixels_P: tf.Tensor1D,
  { stride, offset }: LayerGeometry,
  cells: number,
): Between {
  const shifted = tf.sub(tf.cast(pixels_P, "float32"), offset);
  const at = tf.mul<tf.Tensor1D>(shifted, 1 / stride);
  const u = tf.clipByValue<tf.Tensor1D>(at, 0, cells - 1);
  const floor = tf.floor(u);
  const cell = tf.cast<tf.Tensor1D>(floor, "int32");
  const after = tf.add(cell, tf.scalar(1, "int32"));
  const far = tf.sub<tf.Tensor1D>(u, floor);
  return {
    cell,
    next: tf.minimum(after, tf.scalar(cells - 1, "int32")),
    near: tf.sub(1, far),
    far,
  };
}

/**
 * A linear layer over the hypercolumn of every cell of a grid: [N, H, W, units], without its bias. `weight` is
 * [sum of widths, units], rows in the order of the layers.
 */
export function projectDense(
  layers: readonly Activation[],
  weight: tf.Tensor2D,
  grid: Grid,
): tf.Tensor4D {
  const units = weight.shape[1];
  let from = 0;
  const parts = layers.map((layer) => {
    const rows = tf.slice(weight, [from, 0], [layer.width, units]);
    from += layer.width;
    const kernel = tf.reshape<tf.Rank.R4>(rows, [1, 1, layer.width, units]);
    // Finer layers are thinned out first, coarser ones enlarged last: the fewest multiplications.
    const thinned = thinOut(layer.maps_NHWC, layer, grid);
    const projected = tf.conv2d(thinned, kernel, 1, "same");
    return enlarge(projected, layer, grid);
  });
  return parts.reduce((sum, part) => tf.add(sum, part));
}

/** A cell for each pixel, in its place. */
function isImageSized({ stride, offset }: LayerGeometry): boolean {
  return stride === 1 && offset === 0;
}
