/**
 * The way from a tfjs kernel to a TensorFlow op: attributes, and the backend that takes them. The same calls execute an op (eager)
 * or append a node (traced); a kernel cannot tell and must not ask.
 */
import * as tf from "@tensorflow/tfjs-core";

/** The enumeration constants of the native addon that attributes need. */
export interface NativeBinding {
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_BOOL: number;
}
/** An attribute as tfjs-node's kernels write it. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}
/** The part of tfjs-node's backend that kernels use. */
export interface NativeBackend extends tf.KernelBackend {
  readonly binding: NativeBinding;
  executeSingleOutput(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.TensorInfo[],
  ): tf.Tensor;
  executeMultipleOutputs(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
}

/** The eager backend. The engine must have been loaded. */
export function nativeBackend(): NativeBackend {
  const backend: unknown = tf.findBackend("tensorflow");
  if (!isNativeBackend(backend))
    throw new Error("the engine is not loaded: call openEngine first");
  return backend;
}
const isNativeBackend = (backend: unknown): backend is NativeBackend =>
  typeof backend === "object" &&
  backend !== null &&
  "executeSingleOutput" in backend;

/** What a kernel of this room gets: inputs by name (present, since `registerKernel` checks nothing), attributes, its backend. */
export interface KernelCall<A> {
  readonly input: (name: string) => tf.Tensor;
  readonly attributes: A;
  readonly backend: NativeBackend;
  readonly attribute: AttributeWriter;
}
type Kernel<A> = (call: KernelCall<A>) => tf.TensorInfo | tf.TensorInfo[];

/** Registers a kernel for the eager backend, in place of the stock one if there is one. */
export function registerNativeKernel<A>(
  kernelName: string,
  kernel: Kernel<A>,
): void {
  const backendName = "tensorflow";
  if (tf.getKernel(kernelName, backendName) !== undefined)
    tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({
    kernelName,
    backendName,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const native = backend as NativeBackend;
      return kernel({
        input: (name) => inputs[name] as tf.Tensor,
        attributes: attrs as A,
        backend: native,
        attribute: attributeWriter(native.binding),
      });
    },
  });
}

export type AttributeWriter = ReturnType<typeof attributeWriter>;
/** Short constructors of attributes: `attribute.int("strides", [1, 1, 1, 1])`. */
function attributeWriter(binding: NativeBinding) {
  const types: Readonly<Record<string, number>> = {
    float32: binding.TF_FLOAT,
    int32: binding.TF_INT32,
    bool: binding.TF_BOOL,
  };
  const write =
    (type: number) =>
    (name: string, value: unknown): OpAttribute => ({ name, type, value });
  const [int, float, bool, string] = [
    write(binding.TF_ATTR_INT),
    write(binding.TF_ATTR_FLOAT),
    write(binding.TF_ATTR_BOOL),
    write(binding.TF_ATTR_STRING),
  ];
  return {
    type: (name: string, dtype: tf.DataType): OpAttribute => ({
      name,
      type: binding.TF_ATTR_TYPE,
      value: types[dtype],
    }),
    int: (name: string, value: number | readonly number[]) => int(name, value),
    float: (name: string, value: number) => float(name, value),
    bool: (name: string, value: boolean) => bool(name, value),
    string: (name: string, value: string) => string(name, value),
  };
}

/** Runs a kernel by name and returns its outputs. */
export function runKernel(
  kernelName: string,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attributes: tf.NamedAttrMap = {},
): tf.Tensor[] {
  const result: unknown = tf
    .engine()
    .runKernel(kernelName, { ...inputs }, attributes);
  return Array.isArray(result) ? result : [result as tf.Tensor];
}
/** Runs a kernel that has one output. */
export function runSingle(
  kernelName: string,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attributes: tf.NamedAttrMap = {},
): tf.Tensor {
  return runKernel(kernelName, inputs, attributes)[0] as tf.Tensor;
}
export const int32 = (values: readonly number[]): tf.Tensor1D =>
  tf.tensor1d([...values], "int32");
