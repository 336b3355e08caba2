/**
 * The same function in other weights: channels of the first layer, and the scale of every layer. Pure. Folding is
 * `foldStatistics`.
 */
import type { ModelChoice } from "../spec/params/params-model.ts";
import { modelOptionsOf } from "../spec/params/params-model.ts";
import { unitsOf, type Network } from "./network.ts";
import { weightOf, type WeightArray, type Weights } from "./weights.ts";

/** The choice with other input channels. */
export function withInput(
  model: ModelChoice,
  input: "gray" | "rgb",
): ModelChoice {
  return { ...modelOptionsOf(model), input };
}

/**
 * The choice with padding throughout, or with none where its classifier had none: a fully connected layer is a convolution of the
 * map's size (paper, section 2.1), so that the weights stay as they are. Null: the network has no such choice.
 */
export function withMode(
  model: ModelChoice,
  mode: "convolutional" | "classification",
): ModelChoice | null {
  const options = modelOptionsOf(model);
  return "mode" in options ? { ...options, mode } : null;
}

/**
 * The first convolution for gray or for colour (paper, section 2.7). Gray filters are divided among three equal channels: exactly
 * the same function of images whose channels are centred alike. Filters of three channels are added: the same function of gray images.
 */
export function convertInput(
  network: Network,
  weights: Weights,
  input: "gray" | "rgb",
): Weights {
  const [first] = unitsOf(network);
  if (!first) return weights;
  const name = `${first.name}/weight`;
  const weight = weightOf(weights, name);
  return new Map([...weights, [name, inputKinds[input](weight)]]);
}

type FirstKernel = (kernel: WeightArray) => WeightArray;

const inputKinds: Readonly<Record<"gray" | "rgb", FirstKernel>> = {
  gray: ({ shape, values }) => {
    const [h = 1, w = 1, inputs = 1, out = 1] = shape;
    const sum = new Float32Array(h * w * out);
    for (let i = 0; i < values.length; i++) {
      const at = Math.floor(i / (inputs * out)) * out + (i % out);
      sum[at] = (sum[at] as number) + (values[i] as number);
    }
    return { shape: [h, w, 1, out], values: sum };
  },
  rgb: ({ shape, values }) => {
    const [h = 1, w = 1, inputs = 1, out = 1] = shape;
    if (inputs === 3) return { shape, values };
    return {
      shape: [h, w, 3, out],
      values: Float32Array.from({ length: h * w * 3 * out }, (_, i) => {
        const at = Math.floor(i / (3 * out)) * out + (i % out);
        return (values[at] as number) / 3;
      }),
    };
  },
};

/** What a program does to pixels in [0, 1] before a network sees them: minus a mean, divided by a deviation, by channel. */
export type PixelScale = {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
};

/**
 * The same function of pixels scaled another way: the first convolution takes the difference over. Exact but for the border, where
 * padding stands for another colour than it did.
 */
export function rescalePixels(
  network: Network,
  weights: Weights,
  { from, to }: { readonly from: PixelScale; readonly to: PixelScale },
): Weights {
  const [first] = unitsOf(network);
  if (!first) return weights;
  const { shape, values } = weightOf(weights, `${first.name}/weight`);
  const [inputs = 1, out = 1] = shape.slice(-2);
  const at = (list: readonly number[], channel: number) =>
    list[channel] as number;
  const scaled = new Float32Array(values.length);
  const shift = new Float64Array(out);
  for (const [i, value] of values.entries()) {
    const channel = Math.floor(i / out) % inputs;
    const deviation = at(from.deviation, channel);
    scaled[i] = (value * at(to.deviation, channel)) / deviation;
    const moved = (at(to.mean, channel) - at(from.mean, channel)) / deviation;
    shift[i % out] = (shift[i % out] as number) + value * moved;
  }
  // Batch norm behind a convolution without a bias takes the shift away itself: its mean is another one.
  const [name, sign] = weights.has(`${first.name}/bias`)
    ? [`${first.name}/bias`, 1]
    : [`${first.name}/mean`, -1];
  const moved = weightOf(weights, name);
  return new Map([
    ...weights,
    [`${first.name}/weight`, { shape, values: scaled }],
    [
      name,
      {
        shape: moved.shape,
        values: moved.values.map((v, c) => v + sign * (shift[c] as number)),
      },
    ],
  ]);
}

/** What keeps a network from being rebalanced: a clause. */
export function whyNotRebalanced({ layers }: Network): string | null {
  const block = layers.find(({ kind }) => kind === "residual");
  return block
    ? `'${block.name}' adds two branches, whose scales cannot differ`
    : null;
}

/**
 * Scales the layers of a folded chain so that every activation behind ReLU has a second moment of 1, by those of the weights as
 * they are (paper, section 2.6, in closed form): `W ← m W / m_before`, `b ← m b`, m = 1 / sqrt(E[X²]). ReLU and max pools commute
 * with scales; local response normalization does not, so a layer in front of one keeps its scale. What stands on top, a
 * classifier, is as proportional as the last layer: its biases are scaled alike.
 */
export function rebalance(
  { layers }: Network,
  weights: Weights,
  secondMoments: ReadonlyMap<string, number>,
): Weights {
  const scaled = new Map(weights);
  const scale = (name: string, factor: number) => {
    const array = weights.get(name);
    if (array)
      scaled.set(name, {
        shape: array.shape,
        values: array.values.map((value) => value * factor),
      });
  };
  let before = 1;
  for (const [index, { kind, name }] of layers.entries()) {
    if (kind !== "convolution") continue;
    const next = layers[index + 1];
    const isFree = next?.kind !== "local-response-norm";
    const m = isFree ? 1 / Math.sqrt(secondMoments.get(name) ?? 1) : 1;
    scale(`${name}/weight`, m / before);
    scale(`${name}/bias`, m);
    before = m;
  }
  scale("classifier/bias", before);
  return scaled;
}
