/** Whitening and spherical k-means on points whose clusters are known, and on patches that are larger than what is decomposed. */
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { uniform } from "../../../src/base/random.ts";
import { sphericalKMeans } from "../../../src/train/initialize/k-means.ts";
import { whitenInPlace } from "../../../src/train/initialize/whiten.ts";
import { testEngine } from "../../support/engine.ts";

beforeAll(() => {
  testEngine();
});

/** Numbers of mean 0 and variance 1. */
const draws = (size: number, seed: number) =>
  Float32Array.from(
    { length: size },
    (_, i) => (uniform(seed, i) - 0.5) * Math.sqrt(12),
  );

/** Points around directions, `each` of them around the first, the second, … */
function pointsAround(centres: readonly number[][], each: number): tf.Tensor2D {
  const noise = draws(centres.length * each * 3, 7);
  const rows = centres.flatMap((centre, k) =>
    Array.from({ length: each }, (_, i) => {
      const row = centre.map(
        (value, d) => value + 0.05 * (noise[(k * each + i) * 3 + d] as number),
      );
      const length = Math.hypot(...row);
      return row.map((value) => value / length);
    }),
  );
  return tf.tensor2d(rows);
}

describe("spherical k-means", () => {
  const third = 1 / Math.sqrt(3);
  const centres = [
    [1, 0, 0],
    [0, -1, 0],
    [third, third, third],
    [-third, third, -third],
  ];
  const cluster = async (seed: number) =>
    (
      await sphericalKMeans(pointsAround(centres, 40), {
        directions: 4,
        iterations: 50,
        seed,
      })
    ).dataSync();

  test("finds the directions that a set was made around, each once", async () => {
    const found = await cluster(3);
    const cosines = centres.map((centre) =>
      centres.map((_, k) =>
        centre.reduce((sum, c, d) => sum + c * (found[k * 3 + d] as number), 0),
      ),
    );
    const nearest = cosines.map((row) => row.indexOf(Math.max(...row)));
    expect([...nearest].sort((a, b) => a - b)).toEqual([0, 1, 2, 3]);
    for (const [k, row] of cosines.entries())
      expect(row[nearest[k] as number]).toBeGreaterThan(0.999);
  });

  test("is a function of points and seed, and its directions have length 1", async () => {
    const found = await cluster(3);
    expect(await cluster(3)).toEqual(found);
    for (let k = 0; k < 4; k++)
      expect(Math.hypot(...found.subarray(k * 3, k * 3 + 3))).toBeCloseTo(1, 5);
  });

  test("leaves no direction without points, however many start at the same place", async () => {
    const points = tf.tensor2d([
      ...Array.from({ length: 20 }, () => [1, 0]),
      [0, 1],
      [0, -1],
    ]);
    const found = (
      await sphericalKMeans(points, { directions: 3, iterations: 20, seed: 1 })
    ).arraySync();
    expect(found.map((row) => row.map(Math.round).join()).sort()).toEqual([
      "0,-1",
      "0,1",
      "1,0",
    ]);
  });
});

describe("whitened patches", () => {
  /** Patches of `size` numbers that are mixtures of a few sources of very different strength. */
  function mixtures(count: number, size: number, sources: number) {
    const mix = draws(sources * size, 1);
    const strengths = draws(count * sources, 2);
    const values = new Float32Array(count * size);
    for (let p = 0; p < count; p++)
      for (let s = 0; s < sources; s++)
        for (let d = 0; d < size; d++)
          values[p * size + d] =
            (values[p * size + d] as number) +
            10 ** -s *
              (strengths[p * sources + s] as number) *
              (mix[s * size + d] as number);
    return { count, size, values };
  }

  test.each([
    ["decomposed directly", 12],
    ["reduced first", 1100],
  ])("%s: filters respond alike to strong and weak components", (_, size) => {
    const patches = mixtures(400, size, 3);
    const given = tf.tensor2d(patches.values.slice(), [400, size]);
    const whitened = whitenInPlace(patches, { components: 8, seed: 5 });
    expect(whitened?.points_PR.shape).toEqual([400, 3]);
    const filters = whitened?.toFilters(tf.eye(3)) as tf.Tensor2D;
    const responses = tf.matMul(tf.sub(given, tf.mean(given, 0)), filters);
    const covariance = tf.div(tf.matMul(responses, responses, true), 400);
    const want = tf.eye(3).dataSync();
    for (const [i, value] of covariance.dataSync().entries())
      expect(value).toBeCloseTo(want[i] as number, 2);
    const lengths = tf.norm(whitened?.points_PR as tf.Tensor, 2, 1).dataSync();
    for (const length of lengths) expect(length).toBeCloseTo(1, 4);
  });

  test("are none where all patches are alike", () => {
    const values = new Float32Array(30).fill(0.5);
    const patches = { count: 10, size: 3, values };
    expect(whitenInPlace(patches, { components: 2, seed: 0 })).toBeNull();
  });
});
