/**
 * AlexNet as the paper uses it (section 2.1): two groups of channels in conv2, conv4 and conv5, local response normalization
 * in front of the first two pools, fc6 as a 6x6 and fc7 as a 1x1 convolution, the classifier dropped.
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
/** Width and groups of the convolutions between the second and the last pool. */
const UPPER = [
  ["conv3", 384, 1],
  ["conv4", 384, 2],
  ["conv5", 256, 2],
] as const;

export function alexnet(
  options: OptionsOf<"alexnet">,
  model: Network["model"],
): Network {
  const { input } = options;
  const batchNorm = chainBatchNorms[options.batchNorm];
  const outer = options.mode === "classification" ? 0 : "same";
  const pool = (name: string) =>
    maxPool(name, 3, { stride: 2, padding: outer });
  const norm = (name: string): Layer[] => (options.lrn ? [lrn(name)] : []);
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
    padding: outer,
    width: widthOf(96),
    batchNorm: batchNorm.conv,
  });
  const conv2 = convolution({
    name: "conv2",
    kernel: 5,
    width: widthOf(256),
    groups: 2,
    batchNorm: batchNorm.conv,
  });
  const upper = UPPER.slice(-scaleDepth(UPPER.length, options.depth)).map(
    ([name, full, groups]) =>
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
