/** Short constructors of layers, with what most of them have in common: SAME padding, no stride, no groups, a bias, Xavier. */
import type {
  Convolution,
  ConvolutionLayer,
  MaxPoolLayer,
  Window,
} from "../network.ts";

type Usual =
  "stride" | "padding" | "groups" | "bias" | "batchNorm" | "init" | "dropout";

export function convolutionUnit(
  given: Omit<Convolution, Usual> & Partial<Convolution>,
): Convolution {
  return {
    stride: 1,
    padding: "same",
    groups: 1,
    bias: true,
    batchNorm: "parameter-free",
    init: "xavier",
    ...given,
  };
}

export function convolution(
  given: Omit<Convolution, Usual> & Partial<ConvolutionLayer>,
): ConvolutionLayer {
  return {
    dropout: 0,
    ...given,
    ...convolutionUnit(given),
    kind: "convolution",
  };
}

export function maxPool(
  name: string,
  side: number,
  given: Partial<Omit<Window, "kernel">> = {},
): MaxPoolLayer {
  const usual = { stride: side, padding: "same" as const };
  return { ...usual, ...given, kind: "max-pool", name, kernel: side };
}

/** A width times a factor, in whole groups and at least one channel in each. */
export function scaleWidth(width: number, factor: number, groups = 1): number {
  return groups * Math.max(1, Math.round((width * factor) / groups));
}

/** How many of `count` layers a fraction of them is; at least one. */
export function scaleDepth(count: number, factor: number): number {
  return Math.max(1, Math.round(count * factor));
}

/** Batch norm of convolutions and of fully connected layers, by what a chain of layers is asked for. */
export const chainBatchNorms = {
  "parameter-free": { conv: "parameter-free", fc: "parameter-free" },
  trainable: { conv: "trainable", fc: "trainable" },
  convolutions: { conv: "trainable", fc: "none" },
  none: { conv: "none", fc: "none" },
} as const;

export const channelsOf = { gray: 1, rgb: 3 } as const;
