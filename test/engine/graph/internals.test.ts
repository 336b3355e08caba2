/**
 * The internals of TensorFlow.js that the tracer stands on. tfjs is pinned; whoever raises the version reads here, by name, what has
 * moved, instead of finding it in wrong numbers.
 */
import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import {
  isTracing,
  onTraceBackend,
  traceBackend,
} from "../../../src/engine/graph/backend.ts";
import { nativeBackend } from "../../../src/engine/kernels/native-op.ts";
import { testEngine } from "../../support/engine.ts";

testEngine();

test("tfjs is the version that this list was written for", () => {
  expect(tf.version_core).toBe("4.22.0");
});

test.each([
  "executeSingleOutput",
  "executeMultipleOutputs",
  "executeSingleInput",
  "getInputTensorIds",
  "createOutputTensor",
  "createReductionOpAttrs",
  "applyActivation",
])("the native backend has %s", (name) => {
  expect(Reflect.get(nativeBackend(), name)).toBeTypeOf("function");
});

test.each([
  "TF_ATTR_STRING",
  "TF_ATTR_INT",
  "TF_ATTR_FLOAT",
  "TF_ATTR_BOOL",
  "TF_ATTR_TYPE",
  "TF_ATTR_SHAPE",
  "TF_FLOAT",
  "TF_INT32",
  "TF_BOOL",
])("the binding has the constant %s", (name) => {
  expect(Reflect.get(nativeBackend().binding, name)).toBeTypeOf("number");
});

test("kernels end in executeSingleOutput or executeMultipleOutputs of the backend that they are given", () => {
  const called: string[] = [];
  const backend = nativeBackend();
  const original = backend.executeSingleOutput.bind(backend);
  backend.executeSingleOutput = (op, attributes, inputs) => {
    called.push(op);
    return original(op, attributes, inputs);
  };
  try {
    tf.tidy(() => tf.add(tf.ones([2]), tf.relu(tf.ones([2]))));
  } finally {
    Reflect.deleteProperty(backend, "executeSingleOutput");
  }
  expect(called).toEqual(["Relu", "Add"]);
});

test("the tracing backend is made from the native backend's class and has its kernels", () => {
  expect(traceBackend()).toBeInstanceOf(nativeBackend().constructor);
  const names = (backend: string): string[] =>
    tf
      .getKernelsForBackend(backend)
      .map((k) => k.kernelName)
      .toSorted((a, b) => a.localeCompare(b));
  expect(names("trace")).toEqual(names("tensorflow"));
  expect(names("trace").length).toBeGreaterThan(120);
});

test("setBackend takes effect before it returns", () => {
  const before = tf.getBackend();
  expect(onTraceBackend(() => tf.getBackend())).toBe("trace");
  expect(tf.getBackend()).toBe(before);
  expect(isTracing()).toBe(false);
});

test("makeTensorFromTensorInfo makes a tensor of a backend's own dataId", () => {
  const dataId = {};
  const tensor = tf
    .engine()
    .makeTensorFromTensorInfo(
      { dataId, shape: [2], dtype: "float32" },
      traceBackend(),
    );
  expect(tensor.dataId).toBe(dataId);
  expect(tensor.shape).toEqual([2]);
  tensor.dispose();
});

test("variables are registered by name, and their dataId can be replaced", () => {
  const variable = tf.tidy(() => tf.variable(tf.ones([2]), true, "listed"));
  expect(tf.engine().registeredVariables["listed"]).toBe(variable);
  const real = variable.dataId;
  const standIn = {};
  variable.dataId = standIn;
  expect(variable.dataId).toBe(standIn);
  variable.dataId = real;
  variable.dispose();
  expect(tf.engine().registeredVariables["listed"]).toBeUndefined();
});

test("incRef and disposeTensor count a variable's reference up and down", () => {
  const variable = tf.tidy(() => tf.variable(tf.ones([2]), true, "counted"));
  const refCount = () => nativeBackend().refCount(variable.dataId);
  const tensors = tf.memory().numTensors;
  const before = refCount();
  tf.engine().incRef(variable, nativeBackend());
  expect([refCount(), tf.memory().numTensors]).toEqual([
    before + 1,
    tensors + 1,
  ]);
  tf.engine().disposeTensor(variable);
  expect([refCount(), tf.memory().numTensors]).toEqual([before, tensors]);
  variable.dispose();
});

test("the running gradient's tape is in the engine's state, and an inner gradient clears it", () => {
  const tapes: boolean[] = [];
  const tape = () => tapes.push(Array.isArray(tf.engine().state.activeTape));
  tf.tidy(() => {
    tf.grad((x) => {
      tape();
      return tf.square(x);
    })(tf.ones([2]));
    tape();
  });
  expect(tapes).toEqual([true, false]);
  expect(tf.engine().state.gradientDepth).toBe(0);
});

test("stock kernels read the same data whichever engine hands it over", () => {
  const values = tf.tidy(() => tf.engine().readSync(tf.ones([3]).dataId));
  expect([...(values as Float32Array)]).toEqual([1, 1, 1]);
});
