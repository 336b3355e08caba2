/**
 * The engine room's public face: everything that `model`, `train` and `stages` use of it.
 *
 *   const engine = openEngine({ directory, threads: 2 });
 *   const program = await createProgram(engine, {
 *     functions: { train: stepFunction({ x: { shape: [32, 10] }, rate: { shape: [] } }, ({ x, rate }) => ({ loss: … })) },
 *   });
 *   const { loss } = await program.run("train", { x: batch, rate: 0.1 });
 *
 * The function is ordinary tfjs-core code and also runs eagerly, on the same ops, with the same bits.
 */
import { installTracer } from "./graph/backend.ts";
import { installKernels } from "./kernels.ts";
import { loadEngine } from "./native.ts";
import type { Engine, EngineOptions } from "./native.ts";

export { after, recompute } from "./graph/control.ts";
export { createProgram, jit } from "./graph/program.ts";
export type { Precision } from "./graph/precision.ts";
export { FeedError, TraceError } from "./graph/trace-error.ts";
export { stepFunction } from "./graph/types.ts";
export type {
  FeedValue,
  Inputs,
  Outputs,
  SessionOptions,
  StepFunction,
  TensorValue,
  TypedArray,
} from "./graph/types.ts";
export {
  batchNormTrain,
  biasAdd,
  conv2d,
  dropout,
  randomInteger,
  randomUniform,
  softmaxCrossEntropy,
  sparseSoftmaxCrossEntropy,
  symmetricEigen,
} from "./kernels.ts";
export { applyMomentum, globalNorm, MomentumOptimizer } from "./optimizer.ts";
export type { MomentumOptions } from "./optimizer.ts";
export type { Engine, EngineOptions } from "./native.ts";

/**
 * Loads the native library into this process and prepares it for eager and compiled work. Repeating it with the same options
 * returns the same engine. Throws a UserError `engine.missing` or `engine.broken`.
 */
export function openEngine(options: EngineOptions): Engine {
  const engine = loadEngine(options);
  installKernels();
  installTracer();
  return engine;
}
