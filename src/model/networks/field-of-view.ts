/**
 * Blocks that widen what the last layer sees without touching what it means (paper, section 2.4): max pool 2x2, then a 3x3
 * convolution of 1,024 channels with ReLU, He-initialized, without batch norm. They join the hypercolumn. They are no part of
 * pretraining: whoever trains a task puts them on top, with new weights.
 */
import type { Layer, Network } from "../network.ts";
import { convolution, maxPool } from "./layers.ts";

const WIDTH = 1024;
/** The authors' names: they follow fc7. */
const FIRST = 8;

/** The network with so many blocks on top, narrower ones if `width` says so. */
export function withFieldOfView(
  network: Network,
  {
    blocks,
    width = WIDTH,
  }: { readonly blocks: number; readonly width?: number },
): Network {
  const added = Array.from({ length: blocks }, (_, i): readonly Layer[] => [
    maxPool(`pool${FIRST + i}`, 2),
    convolution({
      name: `conv${FIRST + i}_1`,
      kernel: 3,
      width,
      batchNorm: "none",
      init: "he",
    }),
  ]);
  return {
    ...network,
    layers: [...network.layers, ...added.flat()],
    hypercolumn: [
      ...network.hypercolumn,
      ...added.flatMap(([, conv]) => (conv ? [conv.name] : [])),
    ],
  };
}
