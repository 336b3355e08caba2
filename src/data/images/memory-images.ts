/**
 * Images of a dataset in memory, all of one size, as they are: mirrored at most, never cropped. The order is one shuffle
 * of everything each epoch.
 */
import { isMirrored } from "../batches/augment.ts";
import type { Dataset } from "../dataset.ts";
import { batchAt } from "../order/full-order.ts";
import { commonSize, type ImageSize } from "../pixels/image-size.ts";
import { copyMirrored } from "../pixels/mirror.ts";
import type {
  Images,
  ImageSet,
  MeasuringImages,
  MeasuringOptions,
  MeasuringRounds,
  TrainingImages,
  TrainingImagesOptions,
} from "./image-set.ts";
import { groupsOf } from "./sample-groups.ts";

/** @throws UserError `data.mixed-sizes`. */
export function createMemoryImages(dataset: Dataset): ImageSet {
  const imageSize = commonSize(dataset);
  const { id, classes, size, meanChroma } = dataset;
  const source = { dataset, imageSize };
  return {
    id,
    classes,
    size,
    meanChroma,
    maskClasses: null,
    imageSize,
    views: 1,
    label: (sample) => dataset.label(sample),
    sampleName: (sample) => dataset.sampleName(sample),
    readMarks: () => dataset.readMarks(),
    train: (options) => Promise.resolve(trainingImages(source, options)),
    measure: (options) => measuringImages(source, options),
    rounds: (options) =>
      roundsOf(options.batch, () => measuringImages(source, options)),
    groups(samples, atOnce) {
      const { size: batch, groups } = groupsOf(samples, atOnce);
      return roundsOf(batch, async function* () {
        for (const { samples: own, counted } of groups)
          for await (const images of measuringImages(source, {
            samples: own,
            batch,
          }))
            yield { ...images, counted };
      });
    },
  };
}

function roundsOf(
  size: number,
  images: MeasuringRounds["images"],
): MeasuringRounds {
  return { size, images, close: () => Promise.resolve() };
}

type Source = { readonly dataset: Dataset; readonly imageSize: ImageSize };

function trainingImages(
  source: Source,
  options: TrainingImagesOptions,
): TrainingImages {
  const { dataset, imageSize } = source;
  const { seed, batch, mirror, samples } = options;
  const order = { seed, size: samples?.length ?? dataset.size, batch };
  const buffers = [allocate(batch, imageSize), allocate(batch, imageSize)];
  let turn = 0;
  const fill = (step: number): Images => {
    turn = 1 - turn;
    const images = buffers[turn] as Images;
    for (const [i, { epoch, sample: position }] of batchAt(
      order,
      step,
    ).entries()) {
      const sample = samples ? (samples[position] as number) : position;
      images.epochs[i] = epoch;
      const isTurned = mirror && isMirrored(seed, { epoch, sample });
      writeSample(images, i, { ...source, sample, mirror: isTurned });
    }
    return images;
  };
  return {
    batch: (step) => Promise.resolve(fill(step)),
    report: () => null,
    state: () => null,
    close: () => Promise.resolve(),
  };
}

async function* measuringImages(
  source: Source,
  { samples, batch }: MeasuringOptions,
): AsyncGenerator<MeasuringImages, void, undefined> {
  const { dataset, imageSize } = source;
  const all = samples ?? Int32Array.from({ length: dataset.size }, (_, i) => i);
  for (let start = 0; start < all.length; start += batch) {
    const some = all.subarray(start, start + batch);
    const images = allocate(some.length, imageSize);
    for (const [i, sample] of some.entries())
      writeSample(images, i, { ...source, sample, mirror: false });
    yield { ...images, counted: some.length };
  }
}

function writeSample(
  images: Images,
  i: number,
  from: Source & { readonly sample: number; readonly mirror: boolean },
): void {
  const { dataset, sample, imageSize } = from;
  const { pixels } = dataset.image(sample);
  const bytes = imageSize.width * imageSize.height * 3;
  if (from.mirror)
    copyMirrored(
      pixels,
      images.pixels.subarray(i * bytes, (i + 1) * bytes),
      imageSize,
    );
  else images.pixels.set(pixels, i * bytes);
  images.labels[i] = dataset.label(sample);
  images.samples[i] = sample;
}

function allocate(size: number, { width, height }: ImageSize): Images {
  return {
    size,
    pixels: new Uint8Array(size * width * height * 3),
    masks: null,
    labels: new Int32Array(size),
    samples: new Int32Array(size),
    epochs: new Int32Array(size),
  };
}
