/**
 * Checks what callers feed into a compiled function, or write into variables, against what was traced. Every mistake is named with
 * the function, the input, what was expected and what was found; nothing is converted silently.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { SessionFeed } from "../session-addon.ts";
import { TF_TYPE } from "./graph.ts";
import { sizeOf } from "./shape-rule.ts";
import { FeedError } from "./trace-error.ts";
import type { TracedFunction, TracedInput } from "./trace.ts";
import type { FeedValue, InputDType, Shape, TypedArray } from "./types.ts";

/** The feeds of one run. Throws a FeedError for missing, unknown and unfit values. */
export function toSessionFeeds(
  traced: TracedFunction,
  feeds: Readonly<Record<string, FeedValue>>,
): SessionFeed[] {
  const known = new Set(traced.inputs.map((i) => i.key));
  for (const key of Object.keys(feeds))
    if (!known.has(key))
      throw new FeedError(
        `${traced.name}: there is no input '${key}'; inputs are ${[...known].map((k) => `'${k}'`).join(", ") || "none"}`,
      );
  return traced.inputs.map((input) => {
    const value = feeds[input.key];
    if (value === undefined)
      throw new FeedError(`${traced.name}: input '${input.key}' is missing`);
    return toFeed(`${traced.name}: input '${input.key}'`, input, value);
  });
}
function toFeed(
  what: string,
  input: TracedInput,
  value: FeedValue,
): SessionFeed {
  const { node, shape, dtype } = input;
  const data = toData(what, input, value);
  return { name: node, dtype: TF_TYPE[dtype], shape, data };
}
function toData(
  what: string,
  { shape, dtype }: TracedInput,
  value: FeedValue,
): TypedArray {
  if (typeof value === "number") return toScalar(what, shape, dtype, value);
  if (!(value instanceof tf.Tensor)) {
    checkArray(what, shape, dtype, value);
    return value;
  }
  if (value.dtype !== dtype || value.shape.join() !== shape.join())
    throw new FeedError(
      `${what} is a tensor ${value.dtype} [${value.shape.join()}], traced as ${dtype} [${shape.join()}]`,
    );
  return value.dataSync();
}
function toScalar(
  what: string,
  shape: Shape,
  dtype: InputDType,
  value: number,
): TypedArray {
  if (shape.length > 0)
    throw new FeedError(`${what} is a number, traced as [${shape.join()}]`);
  if (dtype === "float32") return Float32Array.of(value);
  const array = dtype === "int32" ? Int32Array.of(value) : Uint8Array.of(value);
  if (array[0] !== value)
    throw new FeedError(`${what} is ${value}, which is no ${dtype}`);
  return array;
}

const ARRAY_OF = {
  float32: Float32Array,
  int32: Int32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;
/** A typed array has to have the type and the number of values of the tensor that it stands for. */
export function checkArray(
  what: string,
  shape: Shape,
  dtype: InputDType,
  value: TypedArray,
): void {
  const wanted = ARRAY_OF[dtype];
  if (!(value instanceof wanted))
    throw new FeedError(
      `${what} is a ${Object.prototype.toString.call(value).slice(8, -1)}, ${dtype} wants a ${wanted.name}`,
    );
  if (value.length !== sizeOf(shape))
    throw new FeedError(
      `${what} has ${value.length} values, shape [${shape.join()}] wants ${sizeOf(shape)}`,
    );
}
