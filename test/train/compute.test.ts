/** How a step is computed, as a pipeline declares it: what each option does to a training, and what it must not do. */
import type * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { encode } from "../../src/model/encoder.ts";
import { movableDeclarations } from "../../src/model/encoder-weights.ts";
import { classify, classifierDeclarations } from "../../src/model/heads.ts";
import { classificationLoss } from "../../src/model/losses.ts";
import { geometryOf } from "../../src/model/network.ts";
import { networkOf } from "../../src/model/networks.ts";
import { createWeights } from "../../src/model/weights.ts";
import {
  compute,
  type ComputeParams,
} from "../../src/spec/params/params-common.ts";
import { createTrainer } from "../../src/train/trainer.ts";
import { createVariables } from "../../src/train/variables.ts";
import {
  pseudoRandom,
  relativeDifference,
  testEngine,
} from "../support/engine.ts";

const engine = testEngine();
const network = networkOf("conv6");
const [BATCH, SIDE, CLASSES, STEPS] = [8, 32, 4, 5];

async function train(declared: Partial<ComputeParams>) {
  const how = compute.parse(declared);
  const last = geometryOf(network).at(-1);
  const weights = createWeights(
    [
      ...movableDeclarations(network, "normalized"),
      ...classifierDeclarations(last?.width ?? 0, CLASSES),
    ],
    1,
  );
  const variables = createVariables(weights);
  const trainer = await createTrainer({
    engine,
    variables,
    compute: how,
    trained: [...weights.keys()].map((name) => ({
      name,
      rateFactor: 1,
      decayFactor: 1,
    })),
    momentum: 0.9,
    weightDecay: 1e-4,
    inputs: {
      images: { shape: [BATCH, SIDE, SIDE, 1] },
      labels: { shape: [BATCH], dtype: "int32" },
    },
    loss: ({ images, labels }) => {
      const { layers } = encode({
        network,
        parameters: variables.parameters,
        images_NHWC: images as tf.Tensor4D,
        batchNorm: "batch",
        recompute: how.recompute,
      });
      const logits = classify(layers.slice(-1), variables.parameters);
      return { loss: classificationLoss(logits, labels as tf.Tensor1D) };
    },
    seed: 1,
  });
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const { loss = Number.NaN } = await trainer.train(
      {
        images: pseudoRandom(BATCH * SIDE * SIDE, step % 2, 0.3),
        labels: Int32Array.from({ length: BATCH }, (_, k) => k % CLASSES),
      },
      { rate: 0.05, step },
    );
    losses.push(loss);
  }
  const after = await trainer.read();
  await trainer.close();
  return { losses, after };
}

test("recomputation changes no loss of a training and no weight", async () => {
  const want = await train({});
  expect(await train({ recompute: true })).toEqual(want);
});

test("XLA is asked for without a GPU, and changes nothing", async () => {
  const want = await train({});
  expect(await train({ xla: true })).toEqual(want);
});

for (const precision of ["bfloat16", "float16"] as const)
  test(`in ${precision} losses fall as in float32, and close to them`, async () => {
    const want = await train({});
    const { losses, after } = await train({ precision });
    expect(relativeDifference(losses, want.losses)).toBeLessThan(0.02);
    expect(losses).not.toEqual(want.losses);
    expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);
    // Only float16 needs a scale, which is saved with the weights.
    const scaled = [...after.keys()].some((name) => name.startsWith("loss-"));
    expect(scaled).toBe(precision === "float16");
  });
