/**
 * A layer whose inner maps are not kept for the backward pass: of a convolution what stands in front of batch norm and of ReLU, of
 * a residual block all but its end. Ordinary graph code around `computeLayer`, with the same values and the same gradients.
 *
 * A The second computation draws the dropout masks of the first: streams are counted anew from where the layer began.
 * B Statistics of the batch are handed out once, from the first computation.
 */
import type * as tf from "@tensorflow/tfjs-core";
import { recompute } from "../engine/engine.ts";
import type { Moments } from "./batch-norm.ts";
import {
  computeLayer,
  weightNamesOf,
  type GraphContext,
} from "./layer-graphs.ts";
import type { Layer } from "./network.ts";

/** `flowsBack`: whether a gradient by the input is wanted; of images it is not. */
export function recomputeLayer(
  layer: Layer,
  maps_NHWC: tf.Tensor4D,
  context: GraphContext & { readonly flowsBack: boolean },
): tf.Tensor4D {
  const names = weightNamesOf(layer, context.modeOf);
  // A pool keeps nothing that its neighbours do not keep.
  if (names.length === 0) return computeLayer(layer, maps_NHWC, context);
  const nextStream = repeatedStreams(context);
  const { dropoutSeed } = context;
  const measured: string[] = [];
  const weights = names.map(context.parameters);
  const seeds = dropoutSeed ? [dropoutSeed] : [];
  const { value, details } = recompute<tf.Tensor4D>(
    (...tensors) => {
      const given = new Map(names.map((name, k) => [name, tensors[k]]));
      const [maps, seed = null] = tensors.slice(names.length);
      const moments = new Map<string, Moments>();
      const computed = computeLayer(layer, maps as tf.Tensor4D, {
        ...context,
        parameters: (name) => given.get(name) ?? context.parameters(name),
        dropoutSeed: seed as tf.Tensor1D | null,
        nextStream: nextStream(),
        measured: (name, of) => void moments.set(name, of),
      });
      measured.splice(0, Infinity, ...moments.keys());
      const statistics = [...moments.values()];
      return {
        value: computed,
        details: statistics.flatMap((of) => [of.mean_C, of.variance_C]),
      };
    },
    context.flowsBack ? [...weights, maps_NHWC] : weights,
    context.flowsBack ? seeds : [maps_NHWC, ...seeds],
  );
  measured.forEach((name, k) => {
    const [mean_C, variance_C] = details.slice(2 * k) as tf.Tensor1D[];
    if (mean_C && variance_C) context.measured(name, { mean_C, variance_C });
  });
  return value;
}

/** For each computation, the streams of the outer context in the same order (A). */
function repeatedStreams(context: GraphContext): () => () => number {
  const drawn: number[] = [];
  return () => {
    let next = 0;
    return () => {
      const stream = drawn[next] ?? context.nextStream();
      drawn[next++] = stream;
      return stream;
    };
  };
}
