/**
 * AlexNet as the paper uses it (section 2.1): two groups of channels in conv2, conv4 and conv5, local response normalization
 * in front of the first two pools, fc6 as a 6x6 and fc7 as a 1x1 convolution, the classifier dropped.
 *
 * `filters: torchvision` is the AlexNet that torchvision has the weights of (Krizhevsky, "One weird trick for parallelizing
 * convolutional neural networks", 2014): other widths, no groups, images of 224 pixels, which conv1 pads by 2.
 *
 * `classification`: images of 227 pixels, no padding in conv1, the pools and fc6, so that fc6 has one cell. `convolutional`: SAME
 * padding everywhere. Both have the same weights: a fully connected layer read as a convolution is a matter of shape alone.
 */
import type { OptionsOf } from "../../spec/params/params-model.ts";
import {
  INPUT,
  type Layer,
  type LocalResponseLayer,
  type Network,
} from "../network.ts";
import {
  chainBatchNorms,
  channelsOf,
  convolution,
  maxPool,
  scaleDepth,
  scaleWidth,
} from "./layers.ts";

/** Alpha is Caffe's 1e-4 divided by its window of 5: Caffe takes the mean of the squares, the declaration their sum. */
const lrn = (name: string): LocalResponseLayer => ({
  kind: "local-response-norm",
  name,
  radius: 2,
  alpha: 2e-5,
  beta: 0.75,
  bias: 1,
});

const FC_WIDTH = 4096;
/** What differs from one AlexNet to the other. */
type Filters = {
  /** What a classifier's conv1 is padded by. */
  readonly margin: number;
  readonly conv1: number;
  /** Width and groups. */
  readonly conv2: readonly [number, number];
  /** Those between the second and the last pool. */
  readonly upper: readonly (readonly [string, number, number])[];
};

const FILTERS: Readonly<
  Record<NonNullable<OptionsOf<"alexnet">["filters"]>, Filters>
> = {
  caffe: {
    margin: 0,
    conv1: 96,
    conv2: [256, 2],
    upper: [
      ["conv3", 384, 1],
      ["conv4", 384, 2],
      ["conv5", 256, 2],
    ],
  },
  torchvision: {
    margin: 2,
    conv1: 64,
    conv2: [192, 1],
    upper: [
      ["conv3", 384, 1],
      ["conv4", 256, 1],
      ["conv5", 256, 1],
    ],
  },
};

export function alexnet(
  options: OptionsOf<"alexnet">,
  model: Network["model"],
): Network {
  const { input } = options;
  const batchNorm = chainBatchNorms[options.batchNorm];
  const filters = FILTERS[options.filters ?? "caffe"];
  const isOpen = options.mode === "classification";
  const outer = isOpen ? 0 : "same";
  const pool = (name: string) =>
    maxPool(name, 3, { stride: 2, padding: outer });
  const norm = (name: string): Layer[] => (options.lrn ? [lrn(name)] : []);
  // Even where there are no groups: a narrower one has the same widths then.
  const widthOf = (full: number) => scaleWidth(full, options.width, 2);
  const fc = (name: string, kernel: number) =>
    convolution({
      name,
      kernel,
      padding: outer,
      width: widthOf(FC_WIDTH),
      batchNorm: batchNorm.fc,
      dropout: 0.5,
    });
  const conv1 = convolution({
    name: "conv1",
    kernel: 11,
    stride: 4,
    padding: isOpen ? filters.margin : "same",
    width: widthOf(filters.conv1),
    batchNorm: batchNorm.conv,
  });
  const conv2 = convolution({
    name: "conv2",
    kernel: 5,
    width: widthOf(filters.conv2[0]),
    groups: filters.conv2[1],
    batchNorm: batchNorm.conv,
  });
  const kept = scaleDepth(filters.upper.length, options.depth);
  const upper = filters.upper.slice(-kept).map(([name, full, groups]) =>
    convolution({
      name,
      kernel: 3,
      width: widthOf(full),
      groups,
      batchNorm: batchNorm.conv,
    }),
  );
  const layers: Layer[] = [
    conv1,
    ...norm("norm1"),
    pool("pool1"),
    conv2,
    ...norm("norm2"),
    pool("pool2"),
    ...upper,
    pool("pool5"),
    fc("fc6", 6),
    fc("fc7", 1),
  ];
  return {
    model,
    inputChannels: channelsOf[input],
    layers,
    hypercolumn: [
      INPUT,
      ...layers.flatMap(({ kind, name }) =>
        kind === "convolution" ? [name] : [],
      ),
    ],
  };
}
