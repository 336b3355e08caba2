/**
 * Gradients that tfjs-core 4.22.0 gets wrong: `maximum`, `minimum` and `squaredDifference` do not sum over broadcast dimensions, so
 * the gradient has the wrong shape.
 */
import * as tf from "@tensorflow/tfjs-core";

type Pair = (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

export function registerGradientFixes(): void {
  // Ties go to both operands, as in tfjs-core.
  register(
    "Maximum",
    (dy, a, b) => tf.mul(dy, tf.cast(tf.greaterEqual(a, b), "float32")),
    (dy, a, b) => tf.mul(dy, tf.cast(tf.less(a, b), "float32")),
  );
  register(
    "Minimum",
    (dy, a, b) => tf.mul(dy, tf.cast(tf.lessEqual(a, b), "float32")),
    (dy, a, b) => tf.mul(dy, tf.cast(tf.greater(a, b), "float32")),
  );
  register(
    "SquaredDifference",
    (dy, a, b) => tf.mul(dy, tf.mul(2, tf.sub(a, b))),
    (dy, a, b) => tf.mul(dy, tf.mul(2, tf.sub(b, a))),
  );
}

function register(kernelName: string, byA: Pair, byB: Pair): void {
  tf.registerGradient({
    kernelName,
    inputsToSave: ["a", "b"],
    gradFunc: (dy, saved) => {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      const gradient = dy as tf.Tensor;
      return {
        a: () => unbroadcast(byA(gradient, a, b), a.shape),
        b: () => unbroadcast(byB(gradient, a, b), b.shape),
      };
    },
  });
}
function unbroadcast(gradient: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, gradient.shape);
  if (axes.length === 0) return gradient;
  return tf.reshape(tf.sum(gradient, axes), shape);
}
