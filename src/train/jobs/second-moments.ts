/** The mean square of what every convolution of a chain puts out behind ReLU, on unlabeled images. */
import * as tf from "@tensorflow/tfjs-core";
import {
  createProgram,
  stepFunction,
  type Engine,
} from "../../engine/engine.ts";
import { encode } from "../../model/encoder.ts";
import { unitsOf, type Network } from "../../model/network.ts";
import type { Weights } from "../../model/weights.ts";
import { createVariables } from "../variables.ts";
import { floatsOf } from "../trainer.ts";
import type { GrayParts } from "./gray-images.ts";

const nameOf = (images: number) => `images-${images}`;

/** By layer. The weights are folded. */
export async function measureSecondMoments(options: {
  readonly engine: Engine;
  readonly network: Network;
  readonly weights: Weights;
  readonly images: GrayParts;
}): Promise<ReadonlyMap<string, number>> {
  const { engine, network, weights, images } = options;
  const names = unitsOf(network).map(({ name }) => name);
  const [count, height, width, channels] = images.shape;
  const variables = createVariables(weights);
  const functionOf = (size: number) =>
    stepFunction(
      { images: { shape: [size, height, width, channels] as const } },
      (tensors) => {
        const { named } = encode({
          network,
          parameters: variables.parameters,
          images_NHWC: tensors.images,
          batchNorm: "folded",
        });
        const squares = names.map((name) => {
          const maps = named.get(name)?.maps_NHWC as tf.Tensor;
          return [name, tf.mean(tf.square(maps))] as const;
        });
        return Object.fromEntries(squares);
      },
    );
  const sizes = new Set([Math.min(images.atOnce, count)]);
  if (count % images.atOnce > 0) sizes.add(count % images.atOnce);
  const program = await createProgram(engine, {
    functions: Object.fromEntries(
      [...sizes].map((size) => [nameOf(size), functionOf(size)]),
    ),
  });
  try {
    const sums = new Map(names.map((name) => [name, 0]));
    for await (const { shape, values } of images.parts()) {
      const outputs = await program.run(nameOf(shape[0]), { images: values });
      for (const [name, sum] of sums)
        sums.set(name, sum + shape[0] * (floatsOf(outputs, name)[0] as number));
    }
    return new Map([...sums].map(([name, sum]) => [name, sum / count]));
  } finally {
    await program.close();
    variables.dispose();
  }
}
