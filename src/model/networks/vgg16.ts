/**
 * VGG-16 as the paper uses it (section 2.2): thirteen 3x3 convolutions, fc6 as a 7x7 and fc7 as a 1x1 convolution, the
 * classifier dropped. Batch norm without parameters after each of the 15 layers unless told otherwise.
 *
 * `classification`: no padding in the pools and in fc6, so that images of 224 pixels give one cell, and a row or column that
 * fills no window is left out, as in PyTorch. `convolutional`: SAME padding everywhere.
 */
import type { OptionsOf } from "../../spec/params/params-model.ts";
import { INPUT, type Layer, type Network } from "../network.ts";
import {
  chainBatchNorms,
  channelsOf,
  convolution,
  maxPool,
  scaleDepth,
  scaleWidth,
} from "./layers.ts";

/** Layers and width of each group; a pool stands behind each. */
const GROUPS = [
  [2, 64],
  [2, 128],
  [3, 256],
  [3, 512],
  [3, 512],
] as const;
const FC_WIDTH = 4096;

export function vgg16(
  options: OptionsOf<"vgg16">,
  model: Network["model"],
): Network {
  const { input, width, depth, mode } = options;
  const batchNorm = chainBatchNorms[options.batchNorm];
  const isOpen = mode === "classification";
  const body = GROUPS.flatMap(([count, full], group): Layer[] => [
    ...Array.from({ length: scaleDepth(count, depth) }, (_, i) =>
      convolution({
        name: `conv${group + 1}_${i + 1}`,
        kernel: 3,
        width: scaleWidth(full, width),
        batchNorm: batchNorm.conv,
      }),
    ),
    maxPool(`pool${group + 1}`, 2, { padding: isOpen ? 0 : "same" }),
  ]);
  const fc = (name: string, kernel: number) =>
    convolution({
      name,
      kernel,
      padding: isOpen ? 0 : "same",
      width: scaleWidth(FC_WIDTH, width),
      batchNorm: batchNorm.fc,
      dropout: 0.5,
    });
  const layers = [...body, fc("fc6", 7), fc("fc7", 1)];
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
