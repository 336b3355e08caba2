/**
 * Weights of an encoder by convolution, and what can be done to them without a graph: declaring and folding. Pure.
 *
 * Names: `<convolution>/weight` [kernel, kernel, in / groups, out], `<convolution>/bias` [out]; with trainable batch norm
 * `<convolution>/gamma` and `<convolution>/beta` [out], scale and shift behind normalization; and the statistics that batch
 * norm measured, `<convolution>/mean` and `<convolution>/variance` [out]: of the convolution's output with its bias, before
 * normalization. An encoder without statistics has been folded (paper, section 2.5): weights and biases alone.
 */
import { unitsOf, type BatchNorm, type Network } from "./network.ts";
import type { Unit } from "./layer-rules.ts";
import {
  weightOf,
  type WeightArray,
  type WeightDeclaration,
  type Weights,
} from "./weights.ts";

/** Added to the variance before its root is taken. */
export const BATCH_NORM_EPSILON = 1e-5;

/** Whether batch norm is still there, or folded into weights and biases. */
export type EncoderForm = "normalized" | "folded";

type Kind = {
  /** Scale and shift behind normalization. */
  parameters(unit: Unit): readonly WeightDeclaration[];
  readonly normalizes: boolean;
};

const none = () => [];

const batchNormKinds: Readonly<Record<BatchNorm, Kind>> = {
  none: { normalizes: false, parameters: none },
  "parameter-free": { normalizes: true, parameters: none },
  trainable: {
    normalizes: true,
    parameters: ({ name, width }) => [
      { name: `${name}/gamma`, shape: [width], init: "one" },
      { name: `${name}/beta`, shape: [width], init: "zero" },
    ],
  },
};

/** Convolutions whose outputs batch norm normalizes. */
export function normalizedUnits(network: Network): readonly Unit[] {
  return unitsOf(network).filter(
    ({ batchNorm }) => batchNormKinds[batchNorm].normalizes,
  );
}

/** Every weight of an encoder; statistics are none: nothing declares their first values. */
export function encoderDeclarations(
  network: Network,
  form: EncoderForm = "normalized",
): readonly WeightDeclaration[] {
  return unitsOf(network).flatMap((unit) => [
    kernelOf(unit),
    ...(unit.bias || form === "folded" ? [biasOf(unit)] : []),
    ...(form === "folded"
      ? []
      : batchNormKinds[unit.batchNorm].parameters(unit)),
  ]);
}

/** What training can move. With batch statistics, batch norm takes every bias in front of it away again. */
export function movableDeclarations(
  network: Network,
  form: EncoderForm,
): readonly WeightDeclaration[] {
  if (form === "folded") return encoderDeclarations(network, form);
  return unitsOf(network).flatMap((unit) => {
    const { normalizes, parameters } = batchNormKinds[unit.batchNorm];
    return [
      kernelOf(unit),
      ...(normalizes || !unit.bias ? [] : [biasOf(unit)]),
      ...parameters(unit),
    ];
  });
}

/** `<convolution>/mean` and `/variance` of every normalized convolution, as a network that saw nothing has them: 0 and 1. */
export function statisticsDeclarations(
  network: Network,
): readonly WeightDeclaration[] {
  return normalizedUnits(network).flatMap(({ name, width }) => [
    { name: `${name}/mean`, shape: [width], init: "zero" as const },
    { name: `${name}/variance`, shape: [width], init: "one" as const },
  ]);
}

function kernelOf(unit: Unit): WeightDeclaration {
  const { name, kernel, inputs, groups, width, init } = unit;
  return {
    name: `${name}/weight`,
    shape: [kernel, kernel, inputs / groups, width],
    init,
  };
}

function biasOf({ name, width }: Unit): WeightDeclaration {
  return { name: `${name}/bias`, shape: [width], init: "zero" };
}

export function hasStatistics(network: Network, weights: Weights): boolean {
  const units = normalizedUnits(network);
  return (
    units.length > 0 &&
    units.every(({ name }) => weights.has(`${name}/variance`))
  );
}

/** Folded weights have neither statistics nor scales that wait for them. */
export function isFolded(network: Network, weights: Weights): boolean {
  return normalizedUnits(network).every(
    ({ name }) =>
      !weights.has(`${name}/variance`) && !weights.has(`${name}/gamma`),
  );
}

/** The same function without batch norm; weights that have been folded stay as they are. */
export function foldStatistics(network: Network, weights: Weights): Weights {
  const folded = new Map(weights);
  for (const { name } of normalizedUnits(network)) {
    if (!weights.has(`${name}/variance`)) continue;
    const { weight, bias } = foldUnit(name, weights);
    folded.set(`${name}/weight`, weight);
    folded.set(`${name}/bias`, bias);
    for (const gone of ["mean", "variance", "gamma", "beta"])
      folded.delete(`${name}/${gone}`);
  }
  return folded;
}

/**
 * `γ W / σ` and `γ (b − μ) / σ + β`, σ = sqrt(variance + ε) (paper, section 2.5); γ = 1, β = 0 and b = 0 where there is
 * none.
 */
export function foldUnit(
  name: string,
  weights: Weights,
): { readonly weight: WeightArray; readonly bias: WeightArray } {
  const { shape, values } = weightOf(weights, `${name}/weight`);
  const mean = weightOf(weights, `${name}/mean`);
  const variance = weightOf(weights, `${name}/variance`);
  const valuesOf = (what: string) => weights.get(`${name}/${what}`)?.values;
  const [bias, gamma, beta] = ["bias", "gamma", "beta"].map(valuesOf);
  const scale = variance.values.map(
    (v, c) => (gamma?.[c] ?? 1) / Math.sqrt(v + BATCH_NORM_EPSILON),
  );
  const width = scale.length;
  return {
    weight: {
      shape,
      values: values.map((v, i) => v * (scale[i % width] as number)),
    },
    bias: {
      shape: mean.shape,
      values: mean.values.map(
        (m, c) =>
          ((bias?.[c] ?? 0) - m) * (scale[c] as number) + (beta?.[c] ?? 0),
      ),
    },
  };
}
