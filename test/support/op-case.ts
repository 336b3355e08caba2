/** What the op cases are written in: a case, and the short words for its usual kinds. */
import * as tf from "@tensorflow/tfjs-core";

export type T1 = tf.Tensor1D;
export type T2 = tf.Tensor2D;
export type T3 = tf.Tensor3D;
export type T4 = tf.Tensor4D;
export interface OpCase {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  readonly gradient: boolean;
  readonly f: (...inputs: tf.Tensor[]) => tf.Tensor;
}
export type Cases = readonly OpCase[];
type Shapes = readonly (readonly number[])[];

export function op(
  name: string,
  shapes: Shapes,
  f: (...inputs: never[]) => tf.Tensor,
): OpCase {
  return { name, shapes, gradient: true, f: f as OpCase["f"] };
}
/** For ops that tfjs cannot differentiate, or that have no slope. */
export function flat(
  name: string,
  shapes: Shapes,
  f: (...inputs: never[]) => tf.Tensor,
): OpCase {
  return { ...op(name, shapes, f), gradient: false };
}

export const image = [2, 9, 8, 4];
export const positive = <T extends tf.Tensor>(x: T): T =>
  tf.add(tf.abs(x), 0.5);
export const ids = () => tf.tensor1d([3, 0, 3, 1, 5, 3], "int32");
export const labels = () => tf.tensor1d([0, 2, 1], "int32");
export const unary = (name: string, f: (x: tf.Tensor) => tf.Tensor): OpCase =>
  op(name, [[3, 4]], f);
export const overImage = (name: string, f: (x: T4) => tf.Tensor): OpCase =>
  op(name, [image], f);
export const pair = (
  name: string,
  a: number[],
  b: number[],
  f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
): OpCase => op(name, [a, b], f);
export const conv = (
  name: string,
  filter: number[],
  f: (x: T4, w: T4) => tf.Tensor,
): OpCase => op(name, [image, filter], f);
