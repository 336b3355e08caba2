/**
 * A compiled training step: loss, gradients and the momentum update as one graph, with its variables and slots.
 *
 * A Whatever changes between steps is fed: the learning rate, and [seed, step] for what is random inside the graph.
 * B `read`, `readInto` and `write` cover every variable and every slot, so that what they carry continues to the same bits (docs/design.md,
 *   invariant H).
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  createProgram,
  MomentumOptimizer,
  stepFunction,
  type Engine,
  type FeedValue,
  type Inputs,
  type StepFunction,
  type TensorValue,
} from "../engine/engine.ts";
import type { Losses, StepTensors } from "../model/objective.ts";
import type { Weights } from "../model/weights.ts";
import type { ComputeParams } from "../spec/params/params-common.ts";
import { toSession } from "./session.ts";
import { toWeights, type Variables } from "./variables.ts";

/** Values of a step by input name. */
export type StepFeeds = Readonly<Record<string, FeedValue>>;

export type TrainedWeight = {
  readonly name: string;
  readonly rateFactor: number;
  readonly decayFactor: number;
};

export type Trainer = {
  /** One step; resolves to its losses. */
  train(
    feeds: StepFeeds,
    at: { readonly rate: number; readonly step: number },
  ): Promise<Record<string, number>>;
  /** Runs one of the other functions. */
  run(name: string, feeds: StepFeeds): Promise<Record<string, TensorValue>>;
  /** Every variable and slot, by name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Copies variables and slots into shared memory, off this thread. */
  readInto(
    targets: ReadonlyMap<string, Uint8Array<SharedArrayBuffer>>,
  ): Promise<void>;
  /** A copy of every variable and slot. */
  read(): Promise<Weights>;
  write(weights: Weights): Promise<void>;
  /** Frees session, slots and variables. */
  close(): Promise<void>;
};

const SLOT = "/momentum";

export function isSlot(name: string): boolean {
  return name.endsWith(SLOT);
}

export async function createTrainer(options: {
  readonly engine: Engine;
  readonly variables: Variables;
  readonly trained: readonly TrainedWeight[];
  readonly momentum: number;
  readonly weightDecay: number;
  readonly clipNorm?: number | undefined;
  /** Inputs of the step besides the rate and the seed. */
  readonly inputs: Inputs;
  loss(tensors: StepTensors, seed: tf.Tensor1D): Losses;
  readonly seed: number;
  readonly compute?: ComputeParams | undefined;
  /** Further functions on the same variables: statistics, scores. */
  readonly functions?: Readonly<Record<string, StepFunction>>;
}): Promise<Trainer> {
  const { engine, variables, seed } = options;
  const optimizer = createOptimizer(options);
  const inputs: Inputs = {
    ...options.inputs,
    rate: { shape: [] },
    seed: { shape: [2], dtype: "int32" },
  };
  const step = stepFunction(inputs, (tensors) =>
    minimizeKeepingDetails(
      optimizer,
      () => options.loss(tensors, tensors["seed"] as tf.Tensor1D),
      tensors["rate"] as tf.Scalar,
    ),
  );
  const functions: Record<string, StepFunction> = {
    ...options.functions,
    train: step,
  };
  const program = await createProgram(engine, {
    functions,
    precision: options.compute?.precision ?? "float32",
    session: toSession({
      engine,
      variables,
      xla: options.compute?.xla ?? false,
    }),
  });
  const run = async (name: string, feeds: StepFeeds) =>
    (await program.run(name, feeds)) as Record<string, TensorValue>;

  return {
    async train(feeds, { rate, step: at }) {
      const losses = await run("train", {
        ...feeds,
        rate,
        seed: Int32Array.of(seed, at),
      });
      return Object.fromEntries(
        Object.entries(losses).map(([name, { data }]) => [
          name,
          data[0] as number,
        ]),
      );
    },
    run,
    shapes: program.shapes,
    readInto: (targets) => program.readInto(targets),
    read: async () => toWeights(await program.read()),
    write: (weights) =>
      program.write(
        new Map([...weights].map(([name, { values }]) => [name, values])),
      ),
    async close() {
      // First: a program that closes brings back the values of the variables that are still there.
      optimizer.dispose();
      variables.dispose();
      await program.close();
    },
  };
}

/** The numbers of a float32 output. */
export function floatsOf(
  outputs: Readonly<Record<string, TensorValue>>,
  name: string,
): Float32Array {
  const found = outputs[name]?.data;
  if (found instanceof Float32Array) return found;
  throw new Error(
    `no float32 output '${name}' among ${Object.keys(outputs).join(", ")}`,
  );
}

/** Takes the step and returns all losses: those besides the minimized one would be freed with the gradient's tape. */
function minimizeKeepingDetails(
  optimizer: MomentumOptimizer,
  loss: () => Losses,
  rate: tf.Scalar,
): Readonly<Record<string, tf.Scalar>> {
  let kept: readonly (readonly [string, tf.Scalar])[] = [];
  optimizer.minimize(() => {
    const losses = loss();
    kept = Object.entries(losses);
    for (const [, value] of kept) tf.keep(value);
    return losses.loss;
  }, rate);
  const copies = kept.map(([name, value]) => {
    const copy = tf.clone(value);
    value.dispose();
    return [name, copy] as const;
  });
  return Object.fromEntries(copies);
}

function createOptimizer(options: {
  readonly variables: Variables;
  readonly trained: readonly TrainedWeight[];
  readonly momentum: number;
  readonly weightDecay: number;
  readonly clipNorm?: number | undefined;
  readonly compute?: ComputeParams | undefined;
}): MomentumOptimizer {
  const { variables, trained, momentum, weightDecay, clipNorm, compute } =
    options;
  return new MomentumOptimizer({
    variables: trained.map(({ name, rateFactor, decayFactor }) => ({
      variable: variables.byName.get(name) as tf.Variable,
      rateFactor,
      decayFactor,
    })),
    momentum,
    weightDecay,
    ...(clipNorm === undefined ? {} : { clipNorm }),
    lossScaling: compute?.precision === "float16",
  });
}
