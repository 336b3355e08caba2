/**
 * Where the data room's batches and the model room's objectives meet: what a step of each objective is fed.
 * One entry per kind, like `model/objectives.ts`.
 */
import {
  createPretextBatches,
  type HistogramBatch,
  type PretextBatch,
} from "../../data/batches/pretext-batches.ts";
import type { Images, ImageSet } from "../../data/images/image-set.ts";
import type { ImageSize } from "../../data/pixels/image-size.ts";
import type { ObjectiveSettings } from "../../model/objectives.ts";
import { drawBalanced } from "../../data/batches/labels.ts";
import { createGrayBatches } from "../../data/batches/gray-batches.ts";
import type {
  ObjectiveKind,
  ObjectiveParams,
} from "../../spec/params/params-pretext.ts";
import type { StepFeeds } from "../trainer.ts";

type Stream = {
  readonly imageSize: ImageSize;
  readonly seed: number;
  readonly batch: number;
};

export type PretextFeeds<K extends ObjectiveKind> = {
  /** Settings with every value known. */
  resolve(declared: ObjectiveParams<K>, images: ImageSet): ObjectiveSettings[K];
  /**
   * The images that can be learned from; null: all of them.
   * @throws UserError `data.no-labels` where the task needs labels and there are none.
   */
  samples(images: ImageSet): Int32Array | null;
  /** From a step's images to its feeds, which stay valid until the second call after it. */
  create(
    settings: ObjectiveSettings[K],
    stream: Stream,
  ): (images: Images) => StepFeeds;
};

const colorize: PretextFeeds<"colorize"> = {
  resolve({ hueWeight, ...settings }, { meanChroma }) {
    return {
      ...settings,
      hueWeight: hueWeight === "auto" ? 1 / meanChroma : hueWeight,
    };
  },
  samples: () => null,
  create(settings, stream) {
    const toBatch = createPretextBatches({ ...settings, ...stream });
    const even = new Float32Array(stream.batch * settings.locations).fill(1);
    return (images) =>
      toFeeds(toBatch(images), settings.lightnessWeight ? null : even);
  },
};

/** `weights`: of the chroma term, in place of those by lightness. */
function toFeeds(batch: PretextBatch, weights: Float32Array | null): StepFeeds {
  const { gray, ys, xs } = batch;
  const places = { images: gray, ys, xs };
  return batch.target === "hue-chroma"
    ? { ...places, ...histogramFeeds(batch, weights) }
    : { ...places, ab: batch.ab };
}

function histogramFeeds(
  { hue, chroma, centreChroma, lightness }: HistogramBatch,
  weights: Float32Array | null,
): StepFeeds {
  return {
    hue,
    chroma,
    hueWeights: centreChroma,
    chromaWeights: weights ?? lightness,
  };
}

const classify: PretextFeeds<"classify"> = {
  resolve: (settings, { classes }) => ({ ...settings, classes: [...classes] }),
  samples(images) {
    const labelled = drawBalanced(images, { perClass: "all", seed: 0 });
    return labelled.length === images.size ? null : labelled.toSorted();
  },
  create(_settings, stream) {
    const toBatch = createGrayBatches({ ...stream, shift: 0 });
    return (images) => {
      const { gray, labels } = toBatch(images);
      return { images: gray, labels };
    };
  },
};

export const pretextFeeds: {
  readonly [K in ObjectiveKind]: PretextFeeds<K>;
} = { colorize, classify };
