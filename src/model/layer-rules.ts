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

function pixelsBefore(
  padding: Padding,
  kernel: number,
  stride: number,
): number {
  return padding === "same"
    ? Math.floor(Math.max(kernel - stride, 0) / 2)
    : padding;
}
