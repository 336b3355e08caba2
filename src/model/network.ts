/**
 * A convolutional encoder as a declaration: layers with kernel, stride, pooling and width. Everything else about the
 * network follows from it: the graph (`encoder.ts`), the weights (`encoder-weights.ts`), and where each cell of each
 * layer looks (here). Pure; no TensorFlow.
 *
 * A Every layer is [max pool] → convolution → batch norm → ReLU, with SAME padding throughout.
 * B Stride, offset and receptive field are computed from the declaration, never typed in. They hold where the image's
 *   side is a multiple of the total stride; elsewhere SAME padding only adds cells at the far edge.
 */
import type { ModelName } from "../spec/params/params-common.ts";

export type ConvLayer = {
  readonly name: string;
  /** Side of the max pool (its stride too) before the convolution; 1: none. */
  readonly pool: number;
  readonly kernel: number;
  readonly stride: number;
  readonly width: number;
};

export type Network = {
  readonly name: ModelName;
  readonly inputChannels: number;
  readonly layers: readonly ConvLayer[];
};

/** Where the cells of a layer lie in the image, in pixels. */
export type LayerGeometry = {
  readonly name: string;
  readonly width: number;
  /** Distance between neighbouring cells. */
  readonly stride: number;
  /** Centre of the first cell. */
  readonly offset: number;
  /** Side of the square of pixels that a cell depends on. */
  readonly receptiveField: number;
};

type Place = Pick<LayerGeometry, "stride" | "offset" | "receptiveField">;

/** One window operation: what SAME padding puts before the first pixel decides where the first cell is centred. */
function slide(from: Place, kernel: number, stride: number): Place {
  const before = Math.floor(Math.max(kernel - stride, 0) / 2);
  return {
    stride: from.stride * stride,
    offset: from.offset + ((kernel - 1) / 2 - before) * from.stride,
    receptiveField: from.receptiveField + (kernel - 1) * from.stride,
  };
}

/** Stride, offset and receptive field of every layer (invariant B). */
export function geometryOf(network: Network): readonly LayerGeometry[] {
  let at: Place = { stride: 1, offset: 0, receptiveField: 1 };
  return network.layers.map(({ name, width, pool, kernel, stride }) => {
    at = slide(slide(at, pool, pool), kernel, stride);
    return { name, width, ...at };
  });
}

/** Width of a concatenation of these layers: of a hypercolumn. */
export function widthOf(layers: readonly { readonly width: number }[]): number {
  return layers.reduce((sum, layer) => sum + layer.width, 0);
}

/** The layers that a read-out sees: all of them (a hypercolumn), or the last one alone. */
export function readLayers<L>(
  layers: readonly L[],
  hypercolumn: boolean,
): readonly L[] {
  return hypercolumn ? layers : layers.slice(-1);
}
