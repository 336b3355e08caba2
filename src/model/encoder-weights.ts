/**
 * Weights of an encoder by layer, and what can be done to them without a graph: declaring and folding. Pure.
 *
 * Names: `<layer>/weight` [kernel, kernel, in, out], `<layer>/bias` [out], and the statistics that batch norm measured,
 * `<layer>/mean` and `<layer>/variance` [out]: of the convolution's output with its bias, before normalization.
 * An encoder without statistics has been folded (paper, section 2.5).
 */
import type { Network } from "./network.ts";
import {
  weightOf,
  type WeightArray,
  type WeightDeclaration,
  type Weights,
} from "./weights.ts";

/** Added to the variance before its root is taken. */
export const BATCH_NORM_EPSILON = 1e-5;

/** Convolution weights (Xavier) and biases (zero) of every layer. */
export function encoderDeclarations(
  network: Network,
): readonly WeightDeclaration[] {
  let channels = network.inputChannels;
  return network.layers.flatMap(({ name, kernel, width }) => {
    const shape = [kernel, kernel, channels, width];
    channels = width;
    return [
      { name: `${name}/weight`, shape, init: "xavier" as const },
      { name: `${name}/bias`, shape: [width], init: "zero" as const },
    ];
  });
}

/** What training with batch statistics can move: the convolutions. Batch norm takes every bias away again. */
export function convolutionDeclarations(
  network: Network,
): readonly WeightDeclaration[] {
  return encoderDeclarations(network).filter(({ name }) =>
    name.endsWith("/weight"),
  );
}

export function hasStatistics(network: Network, weights: Weights): boolean {
  return network.layers.every(({ name }) => weights.has(`${name}/variance`));
}

/** The same function without batch norm: `W / σ` and `(b − μ) / σ`, σ = sqrt(variance + ε) (paper, section 2.5). */
export function foldStatistics(network: Network, weights: Weights): Weights {
  const folded = new Map(weights);
  for (const { name, width } of network.layers) {
    const weight = weightOf(weights, `${name}/weight`);
    const bias = weightOf(weights, `${name}/bias`);
    const mean = weightOf(weights, `${name}/mean`);
    const variance = weightOf(weights, `${name}/variance`);
    const scale = variance.values.map(
      (v) => 1 / Math.sqrt(v + BATCH_NORM_EPSILON),
    );
    const scaled = (array: WeightArray, shift: Float32Array | null) => ({
      shape: array.shape,
      values: array.values.map(
        (v, i) =>
          (v - (shift ? (shift[i] as number) : 0)) *
          (scale[i % width] as number),
      ),
    });
    folded.set(`${name}/weight`, scaled(weight, null));
    folded.set(`${name}/bias`, scaled(bias, mean.values));
    folded.delete(`${name}/mean`);
    folded.delete(`${name}/variance`);
  }
  return folded;
}
