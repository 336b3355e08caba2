/**
 * TensorFlow kernels that tfjs lacks, does slowly or does wrongly, and the ops on top of them. They are registered for the eager
 * backend; the tracer copies every kernel of it, so model code runs the same ops eagerly and compiled.
 *
 * Layout is NHWC throughout.
 */
import * as tf from "@tensorflow/tfjs-core";
import { registerArrayKernels } from "./kernels/array.ts";
import { registerConvolution } from "./kernels/convolution.ts";
import { registerEigen } from "./kernels/eigen.ts";
import { registerGradientFixes } from "./kernels/gradient-fixes.ts";
import { registerLosses } from "./kernels/loss.ts";
import { registerNormalization } from "./kernels/normalize.ts";
import { registerRandom } from "./kernels/random.ts";

export { conv2d } from "./kernels/convolution.ts";
export { symmetricEigen } from "./kernels/eigen.ts";
export {
  softmaxCrossEntropy,
  sparseSoftmaxCrossEntropy,
} from "./kernels/loss.ts";
export { batchNormTrain, biasAdd } from "./kernels/normalize.ts";
export { dropout, randomInteger, randomUniform } from "./kernels/random.ts";

/** Registers all of them, in place of the stock kernels where there are such. Repeating it changes nothing. */
export function installKernels(): void {
  // One that only this room has tells whether it was done before.
  if (tf.getKernel("ReluGrad", "tensorflow") !== undefined) return;
  registerConvolution();
  registerNormalization();
  registerArrayKernels();
  registerLosses();
  registerRandom();
  registerEigen();
  registerGradientFixes();
}
