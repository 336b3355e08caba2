/**
 * Spherical k-means: directions that stand for points on a sphere, each the mean direction of the points that are nearest to it
 * (Dhillon and Modha, 2001). A function of points and seed alone.
 *
 * A direction that nothing is nearest to takes over the point that fits its own direction worst.
 * Shape suffixes: P points, R dimensions, K directions.
 */
import { setImmediate } from "node:timers/promises";
import * as tf from "@tensorflow/tfjs-core";
import { permute } from "../../base/random.ts";

/** Points whose similarities to all directions are in memory at once. */
const ROWS_AT_ONCE = 4096;

/** Directions [K, R] of length 1 of points of length 1, of which there are at least as many. */
export async function sphericalKMeans(
  points_PR: tf.Tensor2D,
  options: {
    readonly directions: number;
    readonly iterations: number;
    readonly seed: number;
  },
): Promise<tf.Tensor2D> {
  const { directions, iterations, seed } = options;
  const [count, size] = points_PR.shape;
  const points = points_PR.dataSync() as Float32Array;
  const pointAt = (i: number) => points.subarray(i * size, (i + 1) * size);
  const centres = new Float32Array(directions * size);
  for (let k = 0; k < directions; k++)
    centres.set(pointAt(permute(k, count, seed)), k * size);
  const toTensor = () => tf.tensor2d(centres.slice(), [directions, size]);
  let nearest = new Int32Array(count).fill(-1);
  for (let i = 0; i < iterations; i++) {
    // Between two iterations a claim on the task is renewed, and a signal to stop is heard.
    await setImmediate();
    const found = nearestOf(points_PR, toTensor);
    const changed = found.nearest.some((k, p) => k !== nearest[p]);
    nearest = found.nearest;
    if (!changed) break;
    moveInPlace(centres, { points, size, ...found });
  }
  return toTensor();
}

type Nearest = {
  /** By point: its direction. */
  readonly nearest: Int32Array<ArrayBuffer>;
  /** By point: the cosine of the angle between the two. */
  readonly similarity: Float32Array;
};

function nearestOf(
  points_PR: tf.Tensor2D,
  toCentres: () => tf.Tensor2D,
): Nearest {
  const [count] = points_PR.shape;
  const nearest = new Int32Array(count);
  const similarity = new Float32Array(count);
  tf.tidy(() => {
    const centres_KR = toCentres();
    for (let from = 0; from < count; from += ROWS_AT_ONCE) {
      const rows = Math.min(ROWS_AT_ONCE, count - from);
      tf.tidy(() => {
        const some = tf.slice2d(points_PR, [from, 0], [rows, -1]);
        const cosines_PK = tf.matMul(some, centres_KR, false, true);
        nearest.set(tf.argMax(cosines_PK, 1).dataSync(), from);
        similarity.set(tf.max(cosines_PK, 1).dataSync(), from);
      });
    }
  });
  return { nearest, similarity };
}

function moveInPlace(
  centres: Float32Array,
  given: Nearest & { readonly points: Float32Array; readonly size: number },
): void {
  const { points, size, nearest, similarity } = given;
  const directions = centres.length / size;
  const sums = new Float64Array(centres.length);
  const members = new Int32Array(directions);
  for (const [p, k] of nearest.entries()) {
    members[k] = (members[k] as number) + 1;
    for (let r = 0; r < size; r++)
      sums[k * size + r] =
        (sums[k * size + r] as number) + (points[p * size + r] as number);
  }
  const worstFirst = Array.from(similarity.keys()).sort(
    (a, b) => (similarity[a] as number) - (similarity[b] as number) || a - b,
  );
  let next = 0;
  for (let k = 0; k < directions; k++) {
    const at = k * size;
    const sum = sums.subarray(at, at + size);
    const length = Math.sqrt(sum.reduce((of, value) => of + value ** 2, 0));
    if ((members[k] as number) > 0 && length > 0)
      centres.set(
        Float32Array.from(sum, (value) => value / length),
        at,
      );
    else {
      const from = (worstFirst[next++] as number) * size;
      centres.set(points.subarray(from, from + size), at);
    }
  }
}
