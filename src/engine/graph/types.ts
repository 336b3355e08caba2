/**
 * The vocabulary of compiled functions: what goes in, what comes out.
 *
 * A *step function* is ordinary tfjs-core code with named inputs of fixed shape. A *feed* is the value of one input in one run.
 * A *result* is a typed array with its shape, owned by the caller. Types only, apart from `stepFunction`, which exists so that
 * TypeScript infers tensor ranks from the declared shapes.
 */
import type * as tf from "@tensorflow/tfjs-core";

export type Shape = readonly number[];
/** What a tensor of tfjs-core can hold and a graph can carry. */
export type TensorDType = "float32" | "int32" | "bool";
/** `uint8` exists at the border only: the graph casts it to float32, so that image batches travel as bytes. */
export type InputDType = TensorDType | "uint8";
export type TypedArray = Float32Array | Int32Array | Uint8Array;

export interface InputSpec {
  readonly shape: Shape;
  /** float32 when left out. */
  readonly dtype?: InputDType;
}
export type Inputs = Readonly<Record<string, InputSpec>>;
export type Outputs = Readonly<Record<string, tf.Tensor>>;

type TensorOfRank<N extends number> = N extends 0
  ? tf.Scalar
  : N extends 1
    ? tf.Tensor1D
    : N extends 2
      ? tf.Tensor2D
      : N extends 3
        ? tf.Tensor3D
        : N extends 4
          ? tf.Tensor4D
          : tf.Tensor;
/** The tensor that a function receives for an input: its rank is known when the shape is written as a literal. */
export type TensorOf<S extends Shape> = number extends S["length"]
  ? tf.Tensor
  : TensorOfRank<S["length"]>;
export type TensorsOf<I extends Inputs> = {
  readonly [K in keyof I]: TensorOf<I[K]["shape"]>;
};

export interface StepFunction<
  I extends Inputs = Inputs,
  O extends Outputs = Outputs,
> {
  readonly inputs: I;
  // A method, not a property: functions with different inputs must fit into one table.
  fn(tensors: TensorsOf<I>): O;
}
export type StepFunctions = Readonly<Record<string, StepFunction>>;

/**
 * Declares a function that can be compiled. `fn` is ordinary, synchronous tfjs-core code; it runs once, while tracing, and may
 * call `variable.assign`. Everything that changes between runs (learning rate, step, seed) must be an input.
 */
export function stepFunction<const I extends Inputs, O extends Outputs>(
  inputs: I,
  fn: (tensors: TensorsOf<I>) => O,
): StepFunction<I, O> {
  return { inputs, fn };
}

/** One input's value: a typed array in row-major order, a number for a scalar, or an eager tensor (which is read and copied). */
export type FeedValue = TypedArray | number | tf.Tensor;
export type Feeds<F extends StepFunction> = {
  readonly [K in keyof F["inputs"]]: FeedValue;
};

/** A tensor outside of TensorFlow: the memory belongs to whoever holds `data`. */
export interface TensorValue {
  readonly data: TypedArray;
  readonly shape: Shape;
  readonly dtype: TensorDType;
}
export type Results<F extends StepFunction> = {
  readonly [K in keyof ReturnType<F["fn"]>]: TensorValue;
};

/** How one TensorFlow session is set up. Left out: TensorFlow's own choice. */
export interface SessionOptions {
  /** Threads inside one op. TensorFlow keeps one such pool per process: the first session decides. */
  readonly intraOpThreads?: number;
  /** Ops that may run at the same time. */
  readonly interOpThreads?: number;
  /** Take GPU memory as needed instead of all at once. */
  readonly gpuGrowth?: boolean;
  /** XLA auto-clustering level; 0 is off. */
  readonly xlaLevel?: 0 | 1 | 2;
}
export interface RunOptions {
  /** A run that takes longer fails with a TransientError. Left out: no limit. */
  readonly timeoutMs?: number;
  /** Receives TensorFlow's RunMetadata protobuf of this run, a profile with times per node. Tracing costs time: for single runs. */
  readonly onMetadata?: (runMetadata: Uint8Array) => void;
}

export interface ProgramInfo {
  readonly nodes: number;
  readonly graphBytes: number;
  readonly variables: number;
  readonly traceMs: number;
  /** Import of the graph plus the run that copies the variables in. */
  readonly loadMs: number;
}
