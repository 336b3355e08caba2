/**
 * Which labelled samples a few-label study trains on: drawn by the seed alone, exactly balanced, the same for every
 * arm of that seed; and which of them are held out to decide when to stop (paper 4.1).
 */
import { UserError } from "../../base/errors.ts";
import { hash32, permute, streamOf } from "../../base/random.ts";

const DRAW = streamOf("labels/draw");
const HOLD_OUT = streamOf("labels/hold-out");

export type LabelledSamples = {
  readonly size: number;
  readonly classes: readonly string[];
  /** Class of a sample; −1: none. */
  label(sample: number): number;
};

/** The samples of each class, ascending; samples without a label are in none. */
export function samplesByClass(
  dataset: LabelledSamples,
  among?: Iterable<number>,
): number[][] {
  const byClass = dataset.classes.map((): number[] => []);
  for (const sample of among ?? range(dataset.size))
    byClass[dataset.label(sample)]?.push(sample);
  return byClass;
}

/**
 * `perClass` samples of each class, or every labelled sample for "all"; ascending within a class, classes in order.
 * @throws UserError `data.too-few-labels` when a class has fewer, naming the smallest.
 */
export function drawBalanced(
  dataset: LabelledSamples,
  options: { readonly perClass: number | "all"; readonly seed: number },
): Int32Array {
  const byClass = samplesByClass(dataset);
  checkLabelled(dataset, byClass);
  const { perClass, seed } = options;
  if (perClass === "all") return Int32Array.from(byClass.flat());
  checkEnough(dataset.classes, byClass, perClass);
  return Int32Array.from(
    byClass.flatMap((samples, label) =>
      drawSome(samples, perClass, hash32(DRAW, seed, label)),
    ),
  );
}

/**
 * Splits drawn samples per class into training and validation: `round(fraction · n)` of each class, at least one, are
 * held out, and at least one stays.
 * @throws UserError `data.too-few-labels` when a class has a single sample.
 */
export function splitHeldOut(
  dataset: LabelledSamples,
  samples: Int32Array,
  options: { readonly fraction: number; readonly seed: number },
): { readonly train: Int32Array; readonly validation: Int32Array } {
  const byClass = samplesByClass(dataset, samples);
  checkEnough(dataset.classes, byClass, 2, "to hold some out");
  const train: number[] = [];
  const validation: number[] = [];
  for (const [label, own] of byClass.entries()) {
    const wanted = Math.round(own.length * options.fraction);
    const count = Math.min(own.length - 1, Math.max(1, wanted));
    const out = drawSome(own, count, hash32(HOLD_OUT, options.seed, label));
    const isOut = new Set(out);
    validation.push(...out);
    train.push(...own.filter((sample) => !isOut.has(sample)));
  }
  return {
    train: Int32Array.from(train),
    validation: Int32Array.from(validation),
  };
}

/**
 * Splits samples that are of no class or of several, or have a class in every pixel: `round(fraction · n)` are held out, at
 * least one, and at least one stays. Both ascending.
 * @throws UserError `data.too-few-images` when there is nothing to split.
 */
export function splitAny(
  samples: Int32Array,
  options: { readonly fraction: number; readonly seed: number },
): { readonly train: Int32Array; readonly validation: Int32Array } {
  const size = samples.length;
  if (size < 2)
    throw new UserError({
      code: "data.too-few-images",
      message: `expected at least 2 images, to hold some out; the dataset has ${size}`,
      hint: "use a fixed protocol, which holds nothing out",
    });
  const wanted = Math.round(size * options.fraction);
  const count = Math.min(size - 1, Math.max(1, wanted));
  const validation = drawSome(
    [...samples],
    count,
    hash32(HOLD_OUT, options.seed),
  );
  const isOut = new Set(validation);
  return {
    train: samples.filter((sample) => !isOut.has(sample)),
    validation: Int32Array.from(validation),
  };
}

function drawSome(
  samples: readonly number[],
  count: number,
  seed: number,
): number[] {
  return Array.from(
    { length: count },
    (_, k) => samples[permute(k, samples.length, seed)] as number,
  ).toSorted((a, b) => a - b);
}

function checkLabelled(
  dataset: LabelledSamples,
  byClass: readonly (readonly number[])[],
): void {
  if (byClass.some((samples) => samples.length > 0)) return;
  throw new UserError({
    code: "data.no-labels",
    message: `expected labelled images; none of the ${dataset.size} images of the dataset has a label`,
    hint: "lay the images out as <folder>/<class>/<image>, or use a source that carries labels",
  });
}

function checkEnough(
  classes: readonly string[],
  byClass: readonly (readonly number[])[],
  needed: number,
  why = "",
): void {
  const short = byClass
    .map((samples, label) => ({ count: samples.length, label }))
    .filter(({ count }) => count < needed)
    .toSorted((a, b) => a.count - b.count);
  const [smallest] = short;
  if (!smallest) return;
  throw new UserError({
    code: "data.too-few-labels",
    message:
      `expected at least ${needed} labelled images per class${why && ` ${why}`}; ` +
      `class '${classes[smallest.label]}' has ${smallest.count}` +
      (short.length > 1
        ? ` and ${short.length - 1} more classes are short`
        : ""),
    hint: "ask for fewer labels per class, or raise the limit of the shard stage so that it holds more images",
  });
}

function range(size: number): Iterable<number> {
  return Array.from({ length: size }).keys();
}
