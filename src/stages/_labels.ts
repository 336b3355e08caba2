/** The input `labels` of a stage: a label map, for the images of its input `data`. */
import { relabelImages } from "../data/images/relabelled-images.ts";
import type { ImageSet } from "../data/images/image-set.ts";
import {
  decodeLabelMap,
  LABEL_MAP_FILE,
  SAMPLE_LABELS_FILE,
} from "../data/labels/label-map.ts";
import { readArtifactFile } from "../store/artifacts/artifact.ts";
import { inputOf } from "./_context.ts";
import type { StageContext } from "./stage.ts";

export type Relabelled = {
  readonly images: ImageSet;
  /** Those that the map gives a label; null: all of them. */
  readonly samples: Int32Array | null;
};

/**
 * The images as the map has them, or as they are where there is none.
 * @throws UserError `labels.unreadable`, `labels.other-dataset`.
 */
export async function applyLabels(
  context: Pick<StageContext, "inputs" | "store">,
  images: ImageSet,
): Promise<Relabelled> {
  if (!context.inputs["labels"]) return { images, samples: null };
  const { manifest } = inputOf(context, "labels");
  const read = (file: string) =>
    readArtifactFile(context.store, manifest, file);
  const map = decodeLabelMap({
    json: await read(LABEL_MAP_FILE),
    labels: await read(SAMPLE_LABELS_FILE),
  });
  const samples = Int32Array.from(map.labels.keys()).filter(
    (sample) => (map.labels[sample] as number) >= 0,
  );
  return {
    images: relabelImages(images, map),
    samples: samples.length === images.size ? null : samples,
  };
}
