/** Batch-norm statistics of an encoder, measured on the first images of a dataset, which are read as they are needed. */
import type { ImageSet, MeasuringRounds } from "../data/images/image-set.ts";
import { networkInputs, type NetworkInput } from "../data/pixels/color.ts";
import type { Engine } from "../engine/engine.ts";
import type { Network } from "../model/network.ts";
import type { Weights } from "../model/weights.ts";
import {
  imagesAtOnce,
  type GrayImages,
  type GrayParts,
} from "../train/jobs/gray-images.ts";
import { measureStatistics } from "../train/jobs/statistics.ts";

/** The weights with statistics of the first `count` images, or of all if there are fewer. */
export async function measureOnFirst(
  images: ImageSet,
  count: number,
  model: {
    readonly engine: Engine;
    readonly network: Network;
    readonly weights: Weights;
    /** What of the images the network is shown; gray where nothing is said. */
    readonly input?: NetworkInput;
  },
): Promise<Weights> {
  const { input } = model;
  return await withFirstImages(
    images,
    { count, ...(input ? { input } : {}) },
    (parts) => measureStatistics({ ...model, images: parts }),
  );
}

/** Gives the first `count` images to `measure`, in parts that fit into memory. */
export async function withFirstImages<T>(
  images: ImageSet,
  {
    count,
    input = "gray",
  }: { readonly count: number; readonly input?: NetworkInput },
  measure: (parts: GrayParts) => Promise<T>,
): Promise<T> {
  const size = Math.min(count, images.size);
  const samples = Int32Array.from({ length: size }, (_, i) => i);
  const batch = Math.min(size, imagesAtOnce(images.imageSize));
  const rounds = images.rounds({ samples, batch });
  try {
    const parts = toGrayParts(images, rounds, { size, atOnce: batch, input });
    return await measure(parts);
  } finally {
    await rounds.close();
  }
}

/** Of several views of an image, only the first counts. */
function toGrayParts(
  { imageSize: { width, height } }: ImageSet,
  rounds: MeasuringRounds,
  given: {
    readonly size: number;
    readonly atOnce: number;
    readonly input: NetworkInput;
  },
): GrayParts {
  const { size, atOnce, input } = given;
  const { channels, write } = networkInputs[input];
  const pixels = width * height;
  const values = new Float32Array(atOnce * pixels * channels);
  return {
    shape: [size, height, width, channels],
    atOnce,
    async *parts(): AsyncGenerator<GrayImages, void, undefined> {
      let left = size;
      for await (const { pixels: some, counted } of rounds.images()) {
        const rows = Math.min(counted, left);
        const own = values.subarray(0, rows * pixels * channels);
        write(some.subarray(0, rows * pixels * 3), own, 0);
        yield { shape: [rows, height, width, channels], values: own };
        left -= rows;
        if (left === 0) return;
      }
    },
  };
}
