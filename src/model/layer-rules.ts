/**
 * What each kind of layer makes of the width and the place of its input, and which convolutions are in it. Pure; the graph of
 * each kind is in `layer-graphs.ts`.
 */
import type {
  Convolution,
  Layer,
  LayerGeometry,
  Padding,
  Window,
} from "./network.ts";

type Place = Pick<LayerGeometry, "stride" | "offset" | "receptiveField">;

/** A map between two layers. */
export type LayerState = { readonly width: number; readonly place: Place };

/** A convolution and the number of channels that it reads. */
export type Unit = Convolution & { readonly inputs: number };

type Passed = { readonly state: LayerState; readonly units: readonly Unit[] };

type Rule<L> = (layer: L, from: LayerState) => Passed;

const rules: {
  readonly [K in Layer["kind"]]: Rule<Extract<Layer, { kind: K }>>;
} = {
  convolution: (layer, from) => passConvolution(layer, from),
  "max-pool": (layer, { width, place }) => ({
    state: { width, place: slide(place, layer) },
    units: [],
  }),
  "local-response-norm": (_layer, state) => ({ state, units: [] }),
  residual({ branch, projection }, from) {
    let state = from;
    const units = branch.map((convolution) => {
      const passed = passConvolution(convolution, state);
      state = passed.state;
      return passed.units;
    });
    const beside = projection ? passConvolution(projection, from).units : [];
    return { state, units: [...beside, ...units.flat()] };
  },
};

/** The map behind a layer, and the layer's convolutions. */
export function passLayer(layer: Layer, from: LayerState): Passed {
  return (rules[layer.kind] as Rule<Layer>)(layer, from);
}

function passConvolution(
  convolution: Convolution,
  { width: inputs, place }: LayerState,
): Passed {
  return {
    state: { width: convolution.width, place: slide(place, convolution) },
    units: [{ ...convolution, inputs }],
  };
}

/** What the padding puts before the first pixel decides where the first cell is centred. */
function slide(from: Place, { kernel, stride, padding }: Window): Place {
  const before = pixelsBefore(padding, kernel, stride);
  return {
    stride: from.stride * stride,
    offset: from.offset + ((kernel - 1) / 2 - before) * from.stride,
    receptiveField: from.receptiveField + (kernel - 1) * from.stride,
  };
}

/** Side of the map behind a window, of one of this side before it. */
export function sideAfter(
  side: number,
  { kernel, stride, padding }: Window,
): number {
  return padding === "same"
    ? Math.ceil(side / stride)
    : Math.floor((side + 2 * padding - kernel) / stride) + 1;
}

type SideRule<L> = (layer: L, side: number) => number;

const sideRules: {
  readonly [K in Layer["kind"]]: SideRule<Extract<Layer, { kind: K }>>;
} = {
  convolution: (layer, side) => sideAfter(side, layer),
  "max-pool": (layer, side) => sideAfter(side, layer),
  "local-response-norm": (_layer, side) => side,
  residual: ({ branch }, side) => branch.reduce(sideAfter, side),
};

/** The first layer that images of this side leave no cell of, and the side of the map in front of it; null: there is none. */
export function firstWithoutCells(
  layers: readonly Layer[],
  side: number,
): { readonly name: string; readonly before: number } | null {
  let before = side;
  for (const layer of layers) {
    const after = (sideRules[layer.kind] as SideRule<Layer>)(layer, before);
    if (after < 1) return { name: layer.name, before };
    before = after;
  }
  return null;
}

function pixelsBefore(
  padding: Padding,
  kernel: number,
  stride: number,
): number {
  return padding === "same"
    ? Math.floor(Math.max(kernel - stride, 0) / 2)
    : padding;
}
