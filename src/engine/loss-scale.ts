/**
 * Dynamic loss scaling for float16, whose smallest numbers are larger than many gradients (Micikevicius et al., 2018): the loss is multiplied
 * before the gradient is taken, the gradients are divided after it. A step whose gradients overflow changes nothing but the scale.
 *
 * (a) Its two numbers are variables, saved and restored with the others by name. Both are 0 at the start, as every slot is: the scale is
 *     kept as the power of two by which it differs from the first one.
 * (b) No branch on data: a skipped step is one with learning rate 0, momentum 1 and gradient 0.
 */
import * as tf from "@tensorflow/tfjs-core";

const FIRST_EXPONENT = 15;
const LARGEST_EXPONENT = 24;
/** So many steps without an overflow double the scale; PyTorch's figure. */
const GROWTH_INTERVAL = 2000;

/** A loss and its gradients by variable. */
export interface Gradients {
  readonly value: tf.Scalar;
  readonly grads: tf.NamedTensorMap;
}
/** `isFinite` is 1 where all gradients are finite, else 0. */
export interface Unscaled extends Gradients {
  readonly isFinite: tf.Scalar;
}

export class LossScale {
  readonly #exponent = createCounter("loss-scale/exponent");
  readonly #steps = createCounter("loss-scale/steps");

  get variables(): readonly tf.Variable[] {
    return [this.#exponent, this.#steps];
  }
  /** The loss whose gradient is to be taken. */
  scale(loss: tf.Scalar): tf.Scalar {
    return tf.mul(loss, this.#factor(1));
  }
  /** What they are of the loss itself; gradients are zero in a step that overflows. Counts the step, and moves the scale. */
  unscale({ value, grads }: Gradients): Unscaled {
    const isFinite = tf.tidy(() => allFinite(Object.values(grads)));
    const unscaled = tf.tidy(() => {
      const inverse = this.#factor(-1);
      const isGood = tf.cast(isFinite, "bool");
      const whereFinite = (gradient: tf.Tensor) =>
        tf.where(isGood, tf.mul(gradient, inverse), tf.zerosLike(gradient));
      return {
        value: tf.mul<tf.Scalar>(value, inverse),
        grads: Object.fromEntries(
          Object.entries(grads).map(([name, g]) => [name, whereFinite(g)]),
        ),
      };
    });
    tf.tidy(() => {
      this.#move(isFinite);
    });
    return { ...unscaled, isFinite };
  }
  dispose(): void {
    tf.dispose([...this.variables]);
  }

  /** The scale, or with -1 its inverse: exact powers of two. */
  #factor(sign: 1 | -1): tf.Scalar {
    const exponent = tf.add(this.#exponent, FIRST_EXPONENT);
    return tf.pow(2, tf.mul(exponent, sign));
  }
  #move(isFinite: tf.Scalar): void {
    const steps = tf.mul(tf.add(this.#steps, 1), isFinite);
    const isDue = tf.cast(tf.greaterEqual(steps, GROWTH_INTERVAL), "float32");
    const change = tf.add(isDue, tf.sub(isFinite, 1));
    const exponent = tf.clipByValue<tf.Scalar>(
      tf.add(this.#exponent, change),
      -FIRST_EXPONENT,
      LARGEST_EXPONENT - FIRST_EXPONENT,
    );
    this.#exponent.assign(exponent);
    this.#steps.assign(tf.mul(steps, tf.sub(1, isDue)));
  }
}

function createCounter(name: string): tf.Variable<tf.Rank.R0> {
  return tf.tidy<tf.Variable<tf.Rank.R0>>(() =>
    tf.variable(tf.scalar(0), false, name),
  );
}

/** A sum is not finite if one of its terms is not. */
function allFinite(tensors: readonly tf.Tensor[]): tf.Scalar {
  const sums = tensors.map((t) => tf.cast(tf.isFinite(tf.sum(t)), "float32"));
  return tf.min<tf.Scalar>(tf.stack(sums));
}
