/**
 * What shape rules are made of: the call they look at and the few words in which they are written. Pure.
 */
import type { GraphShape } from "./proto.ts";
import { TraceError } from "./trace-error.ts";
import type { Shape, TensorDType, TypedArray } from "./types.ts";

export interface OpInput {
  readonly shape: Shape;
  readonly dtype: TensorDType;
  /** Known while tracing: constants only. */
  readonly values?: TypedArray;
}
export type OpAttributes = Readonly<Record<string, unknown>>;
export interface OpCall {
  readonly op: string;
  readonly inputs: readonly OpInput[];
  readonly attributes: OpAttributes;
  /** How many outputs the caller takes. */
  readonly outputs: number;
}
export interface OutputInfo {
  /** null: not known before the op has run (reserve outputs of cuDNN). */
  readonly shape: GraphShape;
  readonly dtype: TensorDType;
}
export type ShapeRule = (call: OpCall) => readonly OutputInfo[];
export type ShapeTable = readonly (readonly [string, ShapeRule])[];

/** The k-th input; negative counts from the end. */
export function input(call: OpCall, k: number): OpInput {
  const found = call.inputs.at(k);
  if (found === undefined)
    throw new TraceError(`op '${call.op}' was called without its input ${k}`);
  return found;
}

/** Values of an input that decides the output's shape: it must be a constant. */
export function constant(call: OpCall, k: number): number[] {
  const { values } = input(call, k);
  if (values === undefined)
    throw new TraceError(
      `op '${call.op}': input ${k} decides the shape of the result and depends on data; only shapes known while tracing can be compiled`,
    );
  return Array.from(values);
}
/** The first value of such an input. */
export function constantScalar(call: OpCall, k: number): number {
  return dim(constant(call, k), 0);
}

/** One dimension of a shape; an absent one is a bug of the rule. */
export function dim(shape: readonly number[], k: number): number {
  const found = shape[k];
  if (found === undefined)
    throw new TraceError(`shape [${shape.join()}] has no dimension ${k}`);
  return found;
}
export const axisOf = (axis: number, rank: number): number =>
  axis < 0 ? axis + rank : axis;
export const sizeOf = (shape: Shape): number =>
  shape.reduce((size, d) => size * d, 1);

/** The same rule for several ops: `names` separated by spaces. */
export const rules = (names: string, rule: ShapeRule): ShapeTable =>
  names.split(" ").map((name) => [name, rule] as const);
/** Rule of an op with one output whose dtype is the given one, or that of its first input. */
export const single = (
  names: string,
  shape: (call: OpCall) => Shape,
  dtype?: TensorDType,
): ShapeTable =>
  rules(names, (call) => [
    { shape: shape(call), dtype: dtype ?? input(call, 0).dtype },
  ]);
/** Rule of an op whose only output looks like its first input. */
export const elementwise = (names: string, dtype?: TensorDType): ShapeTable =>
  single(names, (call) => input(call, 0).shape, dtype);
