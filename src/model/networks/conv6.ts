/**
 * Six 3x3 convolutions for small photographs, 8.4 million multiply-adds for 32 x 32 pixels. Max pools stand before the
 * convolutions that lower the resolution, so no convolution has a stride and every cell is centred.
 */
import type { ConvLayer, Network } from "../network.ts";

const conv = (name: string, width: number, pool = 1): ConvLayer => ({
  name,
  pool,
  kernel: 3,
  stride: 1,
  width,
});

export const conv6: Network = {
  name: "conv6",
  inputChannels: 1,
  layers: [
    conv("conv1", 16),
    conv("conv2", 32, 2),
    conv("conv3", 64, 2),
    conv("conv4", 64),
    conv("conv5", 128, 2),
    conv("conv6", 128),
  ],
};
