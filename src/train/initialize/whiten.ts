/**
 * Patches as whitened directions: principal components of equal variance, every patch of length 1 (Coates and Ng, 2012; Krähenbühl
 * et al., 2016). The way back makes a filter of a direction: its response to a patch is that of the whitened patch to the direction.
 *
 * Large patches have more components than can be computed, and need fewer than filters are wanted: their leading subspace is found
 * by two rounds of a randomized range finder (Halko, Martinsson and Tropp, 2011), and whitened in full.
 *
 * Shape suffixes: P patches, D numbers of a patch, R components, K directions.
 */
import * as tf from "@tensorflow/tfjs-core";
import { streamOf, uniform } from "../../base/random.ts";
import { symmetricEigen } from "../../engine/engine.ts";
import type { Patches } from "./patches.ts";

/** Patches of more numbers than this are reduced before they are whitened. */
const MOST_COMPONENTS = 1024;
/** Directions beyond those wanted that the range finder keeps for its accuracy. */
const SPARE = 16;
const ROUNDS = 2;
/** Components of less variance than this share of the largest are noise of rounding. */
const LEAST_VARIANCE = 1e-5;
/** Patches whose variance is this share of their mean square differ by rounding alone. */
const ALIKE = 1e-12;

export type Whitened = {
  readonly points_PR: tf.Tensor2D;
  /** Filters as columns [D, K]. */
  toFilters(directions_KR: tf.Tensor2D): tf.Tensor2D;
  dispose(): void;
};

/** At most `components` of them; centres the patches in place. Null: all patches are alike. */
export function whitenInPlace(
  patches: Patches,
  options: { readonly components: number; readonly seed: number },
): Whitened | null {
  const meanSquare = centreInPlace(patches);
  const { count, size, values } = patches;
  const [points_PR, back_DR] = tf.tidy((): tf.Tensor2D[] => {
    const patches_PD = tf.tensor2d(values, [count, size]);
    const basis_DR =
      size > MOST_COMPONENTS ? findRange(patches_PD, options) : null;
    const reduced_PR = basis_DR
      ? tf.matMul<tf.Tensor2D>(patches_PD, basis_DR)
      : patches_PD;
    const scatter = tf.matMul<tf.Tensor2D>(reduced_PR, reduced_PR, true);
    const covariance = tf.div<tf.Tensor2D>(scatter, count);
    const scaled_RR = inverseRoots(covariance, {
      most: options.components,
      above: ALIKE * meanSquare,
    });
    if (!scaled_RR) return [];
    const white_PR = tf.matMul<tf.Tensor2D>(reduced_PR, scaled_RR);
    const length_P = tf.maximum(tf.norm(white_PR, 2, 1, true), 1e-12);
    return [
      tf.div<tf.Tensor2D>(white_PR, length_P),
      basis_DR ? tf.matMul<tf.Tensor2D>(basis_DR, scaled_RR) : scaled_RR,
    ];
  });
  if (!points_PR || !back_DR) return null;
  return {
    points_PR,
    toFilters: (directions_KR) =>
      tf.matMul(back_DR, directions_KR, false, true),
    dispose: () => {
      tf.dispose([points_PR, back_DR]);
    },
  };
}

/** Returns the mean square of a patch as it was. */
function centreInPlace({ count, size, values }: Patches): number {
  const sums = new Float64Array(size);
  let squares = 0;
  for (const [i, value] of values.entries()) {
    sums[i % size] = (sums[i % size] as number) + value;
    squares += value ** 2;
  }
  for (let i = 0; i < values.length; i++)
    values[i] = (values[i] as number) - (sums[i % size] as number) / count;
  return squares / count;
}

/** Eigenvectors as columns, the largest variance first, each over the root of its variance. Null: there is no variance. */
function inverseRoots(
  covariance: tf.Tensor2D,
  { most, above }: { readonly most: number; readonly above: number },
): tf.Tensor2D | null {
  const { values, vectors } = symmetricEigen(covariance);
  const variances = [...values.dataSync()].reverse();
  const [largest = 0] = variances;
  if (!(largest > above)) return null;
  const rank = variances.filter((v) => v > LEAST_VARIANCE * largest).length;
  const kept = Math.min(rank, most);
  const leading = tf.reverse(
    tf.slice2d(vectors, [0, variances.length - kept], [-1, kept]),
    1,
  );
  const roots = variances.slice(0, kept).map(Math.sqrt);
  return tf.div<tf.Tensor2D>(leading, tf.tensor1d(roots));
}

/** Orthonormal columns [D, R] that span nearly all of the patches' variance. */
function findRange(
  patches_PD: tf.Tensor2D,
  { components, seed }: { readonly components: number; readonly seed: number },
): tf.Tensor2D {
  const [count, size] = patches_PD.shape;
  const width = Math.min(components + SPARE, MOST_COMPONENTS, count, size);
  const stream = streamOf("initialize/range");
  const draws = Float32Array.from(
    { length: size * width },
    (_, i) => uniform(seed, stream, i) - 0.5,
  );
  let basis_DR = tf.tensor2d(draws, [size, width]);
  for (let round = 0; round < ROUNDS; round++) {
    // Orthonormal in between too, or small components would be lost to the rounding of large ones.
    const seen_PR = orthonormalize(
      tf.matMul<tf.Tensor2D>(patches_PD, basis_DR),
    );
    basis_DR = orthonormalize(
      tf.matMul<tf.Tensor2D>(patches_PD, seen_PR, true),
    );
  }
  return basis_DR;
}

/** Of the columns' span. Twice: the first time, rounding leaves the small directions short of orthogonal. */
function orthonormalize(columns: tf.Tensor2D): tf.Tensor2D {
  const once = (given: tf.Tensor2D) => {
    const roots = inverseRoots(tf.matMul<tf.Tensor2D>(given, given, true), {
      most: Infinity,
      above: 0,
    });
    return roots ? tf.matMul<tf.Tensor2D>(given, roots) : given;
  };
  return once(once(columns));
}
