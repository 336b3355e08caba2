/**
 * A set of images with other labels: those of a label map. Pixels, order and identity stay as they are; what has no label in the
 * map keeps its place and is −1.
 */
import { UserError } from "../../base/errors.ts";
import type { LabelMap } from "../labels/label-map.ts";
import type { Images, ImageSet, MeasuringRounds } from "./image-set.ts";

/** @throws UserError `labels.other-dataset` when the map is about other images. */
export function relabelImages(images: ImageSet, map: LabelMap): ImageSet {
  const { buckets, labels } = map;
  if (map.dataset !== images.id || labels.length !== images.size)
    throw new UserError({
      code: "labels.other-dataset",
      message: `the label map is about ${labels.length} images of dataset ${map.dataset.slice(0, 12)}; these are ${images.size} of ${images.id.slice(0, 12)}`,
      hint: "give the label-map stage and the stage that reads it the same `data`",
    });
  const relabel = <I extends Images>(some: I): I => ({
    ...some,
    labels: Int32Array.from(some.samples, (sample) => labels[sample] ?? -1),
  });
  const roundsOf = (rounds: MeasuringRounds): MeasuringRounds => ({
    ...rounds,
    images: () => each(rounds.images(), relabel),
  });
  return {
    ...images,
    classes: buckets,
    label: (sample) => labels[sample] ?? -1,
    async train(options) {
      const training = await images.train(options);
      return {
        ...training,
        batch: async (step) => relabel(await training.batch(step)),
      };
    },
    measure: (options) => each(images.measure(options), relabel),
    rounds: (options) => roundsOf(images.rounds(options)),
    groups: (samples, atOnce) => roundsOf(images.groups(samples, atOnce)),
  };
}

async function* each<T>(
  items: AsyncIterable<T>,
  map: (item: T) => T,
): AsyncGenerator<T, void, undefined> {
  for await (const item of items) yield map(item);
}
