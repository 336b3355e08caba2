import { expect, test } from "vitest";
import {
  BATCH_NORM_EPSILON,
  encoderDeclarations,
  foldStatistics,
  hasStatistics,
} from "../../src/model/encoder-weights.ts";
import { unitsOf } from "../../src/model/network.ts";
import { networkOf } from "../../src/model/networks.ts";
import {
  createWeights,
  pickWeights,
  weightOf,
  type Weights,
} from "../../src/model/weights.ts";

const conv6 = networkOf("conv6");
const declarations = encoderDeclarations(conv6);

test("first weights are uniform within Glorot's bound and biases are zero", () => {
  const weights = createWeights(declarations, 1);
  const { values } = weightOf(weights, "conv4/weight");
  const bound = Math.sqrt(6 / (9 * (64 + 64)));
  const largest = values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  expect(largest).toBeLessThanOrEqual(bound);
  expect(largest).toBeGreaterThan(0.99 * bound);
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const square = values.reduce((sum, v) => sum + v * v, 0) / values.length;
  expect(Math.abs(mean)).toBeLessThan(0.02 * bound);
  expect(square / (bound * bound)).toBeCloseTo(1 / 3, 2);
  expect(weightOf(weights, "conv4/bias").values).toEqual(new Float32Array(64));
});

test("first weights depend on seed and name, not on the other layers", () => {
  const all = createWeights(declarations, 1);
  const alone = createWeights(
    declarations.filter(({ name }) => name === "conv5/weight"),
    1,
  );
  const other = createWeights(declarations, 2);
  expect(weightOf(alone, "conv5/weight")).toEqual(
    weightOf(all, "conv5/weight"),
  );
  expect(weightOf(other, "conv5/weight").values).not.toEqual(
    weightOf(all, "conv5/weight").values,
  );
});

test("a missing weight is named together with those that are there", () => {
  const weights = createWeights(declarations.slice(0, 2), 1);
  expect(() => weightOf(weights, "conv9/weight")).toThrow(
    "no weight 'conv9/weight' among conv1/weight, conv1/bias",
  );
  expect(() => pickWeights(weights, [{ name: "head/x" }])).toThrow("head/x");
});

test("folding divides weights and shifted biases by the root of the variance, and drops the statistics", () => {
  const weights: Weights = new Map([
    ...createWeights(declarations, 3),
    ...unitsOf(conv6).flatMap(({ name, width }) => {
      const fill = (value: number) => ({
        shape: [width],
        values: new Float32Array(width).fill(value),
      });
      return [
        [`${name}/bias`, fill(0.5)],
        [`${name}/mean`, fill(0.1)],
        [`${name}/variance`, fill(4)],
      ] as const;
    }),
  ]);
  const folded = foldStatistics(conv6, weights);
  const sigma = Math.sqrt(4 + BATCH_NORM_EPSILON);
  const before = weightOf(weights, "conv2/weight").values[7] as number;
  const after = weightOf(folded, "conv2/weight").values[7] as number;
  expect(after).toBeCloseTo(before / sigma, 6);
  expect(weightOf(folded, "conv2/bias").values[3]).toBeCloseTo(0.4 / sigma, 6);
  expect(hasStatistics(conv6, weights)).toBe(true);
  expect(hasStatistics(conv6, folded)).toBe(false);
});
