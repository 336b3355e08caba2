/**
 * Six 3x3 convolutions for small photographs, 8.4 million multiply-adds for 32 x 32 pixels. Max pools stand before the
 * convolutions that lower the resolution, so no convolution has a stride and every cell is centred.
 */
import type { OptionsOf } from "../../spec/params/params-model.ts";
import type { Network } from "../network.ts";
import { channelsOf, convolution, maxPool, scaleWidth } from "./layers.ts";

export function conv6(
  { input, width }: OptionsOf<"conv6">,
  model: Network["model"],
): Network {
  const conv = (name: string, full: number) =>
    convolution({ name, kernel: 3, width: scaleWidth(full, width) });
  return {
    model,
    inputChannels: channelsOf[input],
    layers: [
      conv("conv1", 16),
      maxPool("pool1", 2),
      conv("conv2", 32),
      maxPool("pool2", 2),
      conv("conv3", 64),
      conv("conv4", 64),
      maxPool("pool4", 2),
      conv("conv5", 128),
      conv("conv6", 128),
    ],
    hypercolumn: ["conv1", "conv2", "conv3", "conv4", "conv5", "conv6"],
  };
}
