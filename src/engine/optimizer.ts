/**
 * Stochastic gradient descent with momentum, for eager and compiled steps alike.
 *
 * (a) Slots are variables named `<variable>/momentum`: whoever saves all variables by name saves the optimizer, and freezing or
 *     reordering layers cannot mix up momenta.
 * (b) The rule, as in PyTorch: g ← clip(g) + decay·v; m ← momentum·m + g; v ← v − rate·m. Eager code computes it with tensors, compiled
 *     code with one in-place op per variable; both give the same bits.
 * (c) The learning rate is a tensor, an input of the step: a number would be frozen into the graph.
 */
import * as tf from "@tensorflow/tfjs-core";
import { isTracing } from "./graph/backend.ts";
import { after, updateInPlace } from "./graph/control.ts";
import { LossScale } from "./loss-scale.ts";

export interface TrainedVariable {
  readonly variable: tf.Variable;
  /** Factor on the learning rate; 1 when left out. */
  readonly rateFactor?: number;
  /** Factor on the weight decay; 1 when left out, 0 for biases. */
  readonly decayFactor?: number;
}
export interface MomentumOptions {
  readonly variables: readonly TrainedVariable[];
  readonly momentum: number;
  /** L2 decay, added to the gradient; 0 when left out. */
  readonly weightDecay?: number;
  /** Gradients are scaled down so that their common norm is at most this; left out: no clipping. */
  readonly clipNorm?: number;
  /** For gradients in float16, see loss-scale.ts; left out: no scaling. */
  readonly lossScaling?: boolean;
}
export interface MomentumUpdate {
  readonly variable: tf.Variable;
  readonly slot: tf.Variable;
  readonly gradient: tf.Tensor;
  readonly learningRate: tf.Scalar;
  readonly momentum: tf.Scalar;
}

/** m ← momentum·m + g; v ← v − rate·m (b). */
export function applyMomentum(update: MomentumUpdate): void {
  const { variable, slot, gradient, learningRate, momentum } = update;
  tf.tidy(() => {
    if (isTracing()) {
      updateInPlace({
        op: "ResourceApplyMomentum",
        variables: [variable, slot],
        inputs: [learningRate, gradient, momentum],
        attributes: {
          T: ["type", 1],
          use_locking: ["bool", false],
          use_nesterov: ["bool", false],
        },
      });
      return;
    }
    slot.assign(tf.add(tf.mul(slot, momentum), gradient));
    variable.assign(tf.sub(variable, tf.mul(slot, learningRate)));
  });
}

/** Common norm of several gradients, a scalar. */
export function globalNorm(gradients: readonly tf.Tensor[]): tf.Scalar {
  return tf.tidy(() => {
    const squares = gradients.map((g) => tf.sum(tf.square(g)));
    return tf.sqrt(tf.addN(squares)) as tf.Scalar;
  });
}

const NORM_EPSILON = 1e-6; // as PyTorch's clip_grad_norm_

export class MomentumOptimizer {
  readonly #slots: ReadonlyMap<string, tf.Variable>;
  readonly #options: MomentumOptions;
  readonly #lossScale: LossScale | null;

  /** Makes the slots (a): call it before the step is compiled. */
  constructor(options: MomentumOptions) {
    this.#options = options;
    this.#lossScale = options.lossScaling === true ? new LossScale() : null;
    this.#slots = new Map(
      options.variables.map(({ variable }) => [
        variable.name,
        tf.tidy(() =>
          tf.variable(
            tf.zeros(variable.shape),
            false,
            `${variable.name}/momentum`,
          ),
        ),
      ]),
    );
  }
  /** The slots, in the order of the variables, and what loss scaling keeps. */
  get slots(): readonly tf.Variable[] {
    return [...this.#slots.values(), ...(this.#lossScale?.variables ?? [])];
  }
  /** The variables that gradients are wanted for. */
  get variables(): tf.Variable[] {
    return this.#options.variables.map((v) => v.variable);
  }

  /**
   * Loss and one update of every variable. `loss` is called once. The learning rate is a scalar tensor (c).
   * Returns the loss.
   */
  minimize(loss: () => tf.Scalar, learningRate: tf.Scalar): tf.Scalar {
    const scale = this.#lossScale;
    if (scale === null) {
      const { value, grads } = tf.variableGrads(loss, this.variables);
      this.apply(grads, learningRate);
      tf.dispose(grads);
      return value;
    }
    const scaled = tf.variableGrads(() => scale.scale(loss()), this.variables);
    const { value, grads, isFinite } = scale.unscale(scaled);
    this.#update(grads, { learningRate, isFinite });
    tf.dispose([scaled.value, scaled.grads, grads, isFinite]);
    return value;
  }

  /** Updates every variable from the gradient of its name. A missing gradient is an error: freeze a variable by leaving it out. */
  apply(gradients: tf.NamedTensorMap, learningRate: tf.Scalar): void {
    this.#update(gradients, { learningRate, isFinite: null });
  }
  #update(
    gradients: tf.NamedTensorMap,
    { learningRate, isFinite }: StepState,
  ): void {
    const { variables, weightDecay = 0 } = this.#options;
    tf.tidy(() => {
      const clipped = this.#clip(
        variables.map(({ variable }) => gradientOf(gradients, variable)),
      );
      const momentum = this.#momentum(isFinite);
      variables.forEach((trained, k) => {
        const { variable, rateFactor = 1, decayFactor = 1 } = trained;
        const decay = weightDecay * decayFactor;
        const gradient = clipped[k] as tf.Tensor;
        const rate: tf.Scalar =
          rateFactor === 1 ? learningRate : tf.mul(learningRate, rateFactor);
        applyMomentum({
          variable,
          slot: this.#slots.get(variable.name) as tf.Variable,
          gradient:
            decay === 0
              ? gradient
              : decayed(gradient, variable, onlyIf(isFinite, decay)),
          learningRate:
            isFinite === null ? rate : tf.mul<tf.Scalar>(rate, isFinite),
          momentum,
        });
      });
    });
  }
  /** 1 in a step that changes nothing (loss-scale.ts, b). */
  #momentum(isFinite: tf.Scalar | null): tf.Scalar {
    const { momentum } = this.#options;
    if (isFinite === null) return tf.scalar(momentum);
    return tf.add(tf.mul(isFinite, momentum), tf.sub(1, isFinite));
  }
  #clip(gradients: readonly tf.Tensor[]): readonly tf.Tensor[] {
    const { clipNorm } = this.#options;
    if (clipNorm === undefined) return gradients;
    const norm = tf.add(globalNorm(gradients), NORM_EPSILON);
    const scale = tf.minimum(tf.div(clipNorm, norm), 1);
    return gradients.map((g) => tf.mul(g, scale));
  }
  /** Frees the slots. */
  dispose(): void {
    for (const slot of this.#slots.values()) slot.dispose();
    this.#lossScale?.dispose();
  }
}

interface StepState {
  readonly learningRate: tf.Scalar;
  /** Of loss scaling: 0 in a step that must not change anything. */
  readonly isFinite: tf.Scalar | null;
}
const onlyIf = (
  isFinite: tf.Scalar | null,
  factor: number,
): number | tf.Scalar =>
  isFinite === null ? factor : tf.mul(isFinite, factor);

/** Ordered after the gradient: a graph would compute the product at the start of the step and keep it, a copy of all weights, to its end. */
function decayed(
  gradient: tf.Tensor,
  variable: tf.Variable,
  decay: number | tf.Scalar,
): tf.Tensor {
  return tf.add(
    gradient,
    after([gradient], () => tf.mul(variable, decay)),
  );
}

function gradientOf(
  gradients: tf.NamedTensorMap,
  variable: tf.Variable,
): tf.Tensor {
  const gradient = gradients[variable.name];
  if (gradient === undefined)
    throw new Error(
      `there is no gradient for variable '${variable.name}'; gradients are given for ${Object.keys(gradients).join(", ") || "none"}`,
    );
  return gradient;
}
