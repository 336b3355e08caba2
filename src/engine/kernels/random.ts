/**
 * Random numbers as a function of a seed tensor: the same numbers eagerly and compiled, fresh in each run that is fed another seed,
 * and the same again when training is resumed at that step.
 *
 * (a) Nothing else decides them: no state, no order of calls. Two places that must differ use different streams.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Shape, TensorOf } from "../graph/types.ts";
import { int32, registerNativeKernel, runSingle } from "./native-op.ts";

export function registerRandom(): void {
  registerNativeKernel<{ readonly shape: number[] }>(
    "StatelessRandomUniform",
    (call) =>
      tf.tidy(() =>
        call.backend.executeSingleOutput(
          "StatelessRandomUniform",
          [
            call.attribute.type("dtype", "float32"),
            call.attribute.type("T", "int32"),
            call.attribute.type("Tseed", "int32"),
          ],
          [int32(call.attributes.shape), call.input("seed")],
        ),
      ),
  );
}

/** Seeds are [seed, step]: streams move the seed by a large odd constant, so that neighbouring seeds do not share streams. */
const STREAM_STRIDE = 0x9e3779b1 | 0;

export interface RandomSource {
  /** int32 [2]: by convention [seed, step]. An input of the compiled function. */
  readonly seed: tf.Tensor1D;
  /** Which of the independent sequences of this seed; a small number, known while tracing. */
  readonly stream: number;
}

/** Uniform numbers in [0, 1) of the given shape: a function of seed and stream alone (a). */
export function randomUniform<const S extends Shape>(
  shape: S,
  { seed, stream }: RandomSource,
): TensorOf<S> {
  const draw = (): tf.Tensor => {
    const offset = int32([Math.imul(stream, STREAM_STRIDE), 0]);
    return runSingle(
      "StatelessRandomUniform",
      { seed: tf.add(seed, offset) },
      { shape: [...shape] },
    );
  };
  return tf.tidy(draw) as TensorOf<S>;
}
/** Uniform integers in [0, limit), int32. */
export function randomInteger<const S extends Shape>(
  shape: S,
  limit: number,
  source: RandomSource,
): TensorOf<S> {
  const draw = (): tf.Tensor => {
    const scaled = tf.floor(tf.mul(randomUniform(shape, source), limit));
    // float32 rounds u * limit up to limit for u next to 1.
    return tf.cast(tf.minimum(scaled, limit - 1), "int32");
  };
  return tf.tidy(draw) as TensorOf<S>;
}

/** Zeroes each value with probability `rate` and divides the others by 1 - rate. The mask is a function of the source alone (a). */
export function dropout<T extends tf.Tensor>(
  x: T,
  rate: number,
  source: RandomSource,
): T {
  if (rate === 0) return tf.clone(x);
  return tf.tidy(() => {
    const kept = tf.greaterEqual(randomUniform(x.shape, source), rate);
    const mask = tf.cast(kept, "float32");
    return tf.mul<T>(tf.mul(x, 1 / (1 - rate)), mask);
  });
}
