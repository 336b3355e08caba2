/**
 * Maps of layers brought to one grid of cells, where hypercolumns are read densely. Coarser layers are enlarged bilinearly,
 * finer ones give the nearest cell (paper, section 4.3), both by where the cells truly lie: stride and offset of the layer
 * against those of the grid. Beyond the outermost cells their values go on.
 *
 * Shape suffixes: N images, H W height and width, C channels.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { LayerGeometry } from "./network.ts";

/** Cells that lie `stride` pixels apart, the first at `offset`, along both axes. */
export type Grid = {
  readonly height: number;
  readonly width: number;
  readonly stride: number;
  readonly offset: number;
};

type Place = Pick<LayerGeometry, "stride" | "offset">;

/** Every pixel. */
export function pixelGrid([height, width]: readonly [number, number]): Grid {
  return { height, width, stride: 1, offset: 0 };
}

/** A cell for each square of `stride` pixels, in its middle; squares at the far edges may be cut. */
export function squareGrid(
  [height, width]: readonly [number, number],
  stride: number,
): Grid {
  return {
    height: Math.ceil(height / stride),
    width: Math.ceil(width / stride),
    stride,
    offset: (stride - 1) / 2,
  };
}

/** The nearest cells of a layer that is finer than the grid, of two as near the farther one; other layers as they are. */
export function thinOut(
  maps_NHWC: tf.Tensor4D,
  layer: Place,
  grid: Grid,
): tf.Tensor4D {
  if (layer.stride >= grid.stride) return maps_NHWC;
  const [, height, width] = maps_NHWC.shape;
  const ys = nearestCells(grid.height, height, layer, grid);
  const xs = nearestCells(grid.width, width, layer, grid);
  const rows = tf.gather(maps_NHWC, tf.tensor1d(ys, "int32"), 1);
  return tf.gather(rows, tf.tensor1d(xs, "int32"), 2);
}

function nearestCells(
  count: number,
  cells: number,
  layer: Place,
  grid: Grid,
): Int32Array {
  return Int32Array.from({ length: count }, (_, i) =>
    clamp(Math.round(positionOf(i, layer, grid)), cells),
  );
}

/** Maps of a layer that is at least as coarse as the grid, between its cells; those of a finer one were thinned out. */
export function enlarge(
  maps_NHWC: tf.Tensor4D,
  layer: Place,
  grid: Grid,
): tf.Tensor4D {
  if (layer.stride < grid.stride) return maps_NHWC;
  const ratio = layer.stride / grid.stride;
  const isCentred =
    Number.isInteger(ratio) &&
    layer.offset - grid.offset === ((ratio - 1) / 2) * grid.stride;
  const [n, h, w, c] = maps_NHWC.shape;
  if (!isCentred || h * ratio < grid.height || w * ratio < grid.width)
    return mixRows(mixRows(maps_NHWC, 1, layer, grid), 2, layer, grid);
  const full =
    ratio === 1
      ? maps_NHWC
      : tf.image.resizeBilinear(maps_NHWC, [h * ratio, w * ratio], false, true);
  return h * ratio === grid.height && w * ratio === grid.width
    ? full
    : tf.slice(full, [0, 0, 0, 0], [n, grid.height, grid.width, c]);
}

/** Linear between the cells along one axis, wherever they lie. */
function mixRows(
  maps_NHWC: tf.Tensor4D,
  axis: 1 | 2,
  layer: Place,
  grid: Grid,
): tf.Tensor4D {
  const cells = maps_NHWC.shape[axis];
  const count = axis === 1 ? grid.height : grid.width;
  const at = Array.from({ length: count }, (_, i) =>
    Math.max(0, Math.min(cells - 1, positionOf(i, layer, grid))),
  );
  const before = at.map(Math.floor);
  const after = before.map((cell) => clamp(cell + 1, cells));
  const shape: [number, number, number, number] = [1, 1, 1, 1];
  shape[axis] = count;
  const far = tf.tensor4d(
    at.map((u, i) => u - (before[i] as number)),
    shape,
  );
  const near_NHWC = tf.gather(maps_NHWC, tf.tensor1d(before, "int32"), axis);
  const far_NHWC = tf.gather(maps_NHWC, tf.tensor1d(after, "int32"), axis);
  return tf.add(near_NHWC, tf.mul(tf.sub(far_NHWC, near_NHWC), far));
}

/** Cell `i` of the grid, in cells of the layer. */
function positionOf(i: number, layer: Place, grid: Grid): number {
  return (grid.offset + i * grid.stride - layer.offset) / layer.stride;
}

function clamp(cell: number, cells: number): number {
  return Math.max(0, Math.min(cells - 1, cell));
}
