/**
 * A convolutional encoder as a declaration: a list of layers, and which of them a hypercolumn reads. Everything else about
 * the network follows from it: the graph (`encoder.ts`), the weights (`encoder-weights.ts`), and where each cell of each
 * layer looks (`layer-rules.ts`). Pure; no TensorFlow.
 *
 * A Every layer's map is non-negative: convolutions and blocks end in ReLU, pools and local response normalization keep signs.
 * B Stride, offset and receptive field are computed from the declaration, never typed in. They hold where the image's
 *   side is a multiple of the total stride; elsewhere SAME padding only adds cells at the far edge.
 */
import type { ModelChoice } from "../spec/params/params-model.ts";
import { passLayer, type LayerState, type Unit } from "./layer-rules.ts";

/** `same`: as TensorFlow pads; a number: pixels on all four sides, as PyTorch pads. */
export type Padding = "same" | number;

/** How batch norm follows a convolution: not at all, without parameters, or with a trained scale and shift. */
export type BatchNorm = "none" | "parameter-free" | "trainable";

/** A window that slides over a map. */
export type Window = {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: Padding;
};

/** A convolution with its batch norm: what has weights. */
export type Convolution = Window & {
  readonly name: string;
  readonly width: number;
  /** Input and output channels fall into this many groups, which do not see each other. */
  readonly groups: number;
  /** Before batch norm; one that has been folded always has a bias. */
  readonly bias: boolean;
  readonly batchNorm: BatchNorm;
  readonly init: "xavier" | "he";
};

/** Convolution, ReLU, dropout while training. */
export type ConvolutionLayer = Convolution & {
  readonly kind: "convolution";
  /** Probability that a value is dropped; 0: none is. */
  readonly dropout: number;
};

export type MaxPoolLayer = Window & {
  readonly kind: "max-pool";
  readonly name: string;
};

/** Divides by (bias + alpha · sum of squares over 2·radius + 1 neighbouring channels) ^ beta. */
export type LocalResponseLayer = {
  readonly kind: "local-response-norm";
  readonly name: string;
  readonly radius: number;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
};

/** A residual block: convolutions with ReLU between them, plus the input or its projection, then ReLU. */
export type ResidualLayer = {
  readonly kind: "residual";
  readonly name: string;
  readonly branch: readonly Convolution[];
  /** Null: the input itself. */
  readonly projection: Convolution | null;
};

export type Layer =
  ConvolutionLayer | MaxPoolLayer | LocalResponseLayer | ResidualLayer;

/** The name under which a hypercolumn reads the image itself. */
export const INPUT = "input";

export type Network = {
  readonly model: ModelChoice;
  readonly inputChannels: number;
  readonly layers: readonly Layer[];
  /** Names of the layers that a hypercolumn reads, in its order; the last one is read where there is no hypercolumn. */
  readonly hypercolumn: readonly string[];
  /** Layers by further names, those of other people's programs. */
  readonly aliases?: Readonly<Record<string, string>>;
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

/** Stride, offset and receptive field of every layer by name, the image among them (invariant B). */
export function placesOf(network: Network): ReadonlyMap<string, LayerGeometry> {
  return new Map(
    statesOf(network).map(({ name, state: { width, place } }) => [
      name,
      { name, width, ...place },
    ]),
  );
}

/** Those of the hypercolumn's layers, in its order: what `encode` returns maps of. */
export function geometryOf(network: Network): readonly LayerGeometry[] {
  const places = placesOf(network);
  return network.hypercolumn.map((name) => {
    const found = places.get(name);
    if (!found) throw new Error(`the network has no layer '${name}'`);
    return found;
  });
}

/** Every convolution of the network with its number of input channels, in the order of computation. */
export function unitsOf(network: Network): readonly Unit[] {
  return statesOf(network).flatMap(({ units }) => units);
}

/** Names of each layer's convolutions, in the order of computation. */
export function convolutionsByLayer(network: Network): readonly {
  readonly layer: string;
  readonly convolutions: readonly string[];
}[] {
  return statesOf(network).map(({ name, units }) => ({
    layer: name,
    convolutions: units.map((unit) => unit.name),
  }));
}

type Change<L> = (layer: L, change: (unit: Convolution) => Convolution) => L;

const changes: {
  readonly [K in Layer["kind"]]: Change<Extract<Layer, { kind: K }>>;
} = {
  convolution: (layer, change) => ({ ...layer, ...change(layer) }),
  "max-pool": (layer) => layer,
  "local-response-norm": (layer) => layer,
  residual: (layer, change) => ({
    ...layer,
    branch: layer.branch.map(change),
    projection: layer.projection && change(layer.projection),
  }),
};

/** The network with every convolution changed; its layers and their order stay. */
export function withUnits(
  network: Network,
  change: (unit: Convolution) => Convolution,
): Network {
  const changed = network.layers.map((layer) =>
    (changes[layer.kind] as Change<Layer>)(layer, change),
  );
  return { ...network, layers: changed };
}

/** The network as far as that layer, which alone is read; null: it has none of that name. */
export function throughLayer(network: Network, name: string): Network | null {
  const own = network.aliases?.[name] ?? name;
  const last = network.layers.findIndex((layer) => layer.name === own);
  return last < 0
    ? null
    : {
        ...network,
        layers: network.layers.slice(0, last + 1),
        hypercolumn: [own],
      };
}

/** What `throughLayer` knows. */
export function layerNames({ layers, aliases = {} }: Network): string[] {
  return [...layers.map(({ name }) => name), ...Object.keys(aliases)];
}

function statesOf({ inputChannels, layers }: Network): readonly {
  readonly name: string;
  readonly state: LayerState;
  readonly units: readonly Unit[];
}[] {
  let state: LayerState = {
    width: inputChannels,
    place: { stride: 1, offset: 0, receptiveField: 1 },
  };
  const image = { name: INPUT, state, units: [] };
  return [
    image,
    ...layers.map((layer) => {
      const passed = passLayer(layer, state);
      state = passed.state;
      return { name: layer.name, ...passed };
    }),
  ];
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
