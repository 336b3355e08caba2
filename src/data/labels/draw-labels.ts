/**
 * The label that every sample of a dataset is trained with: the bucket of its class, for some samples or all, with some labels
 * made wrong (paper, section 5). Drawn once, by the seed; nothing is drawn again while training. Pure.
 *
 * C-n keeps n images of each class. E-p takes exactly `round(p · images)` of them and replaces each one's label by a uniformly
 * random other one, so the share of right labels is 1 − p.
 */
import { below, hash32, permute, streamOf } from "../../base/random.ts";
import { drawBalanced, type LabelledSamples } from "../batches/labels.ts";

const WHO = streamOf("labels/noise");
const WHAT = streamOf("labels/wrong");

export type DrawnLabels = {
  /** By sample; −1: it is not trained on. */
  readonly labels: Int32Array;
  readonly images: number;
  /** Of them, those whose label is that of their class. */
  readonly right: number;
};

/** @throws UserError `data.no-labels`, `data.too-few-labels`. */
export function drawLabels(
  dataset: LabelledSamples,
  options: {
    /** Bucket of each class. */
    readonly bucketOf: Int32Array;
    readonly buckets: number;
    readonly perClass: number | "all";
    readonly noise: number;
    readonly seed: number;
  },
): DrawnLabels {
  const { bucketOf, buckets, perClass, noise, seed } = options;
  const samples = drawBalanced(dataset, { perClass, seed }).toSorted();
  const labels = new Int32Array(dataset.size).fill(-1);
  for (const sample of samples)
    labels[sample] = bucketOf[dataset.label(sample)] as number;
  const wrong = Math.round(noise * samples.length);
  const key = hash32(WHO, seed);
  for (let k = 0; k < wrong; k++) {
    const sample = samples[permute(k, samples.length, key)] as number;
    const step = 1 + below(buckets - 1, seed, WHAT, sample);
    labels[sample] = ((labels[sample] as number) + step) % buckets;
  }
  return { labels, images: samples.length, right: samples.length - wrong };
}
