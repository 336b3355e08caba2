/**
 * The marks of a dataset's samples: which classes each image shows, does not show, or may show (`shards/label-marks.ts`).
 * Datasets whose images have one label at most have them too, from their indices: the label is shown, the rest is not.
 */
import { mapBounded } from "../base/async.ts";
import { UserError } from "../base/errors.ts";
import type { Manifest } from "../store/artifacts/manifest.ts";
import type { Store } from "../store/store.ts";
import { marksFileOf } from "./catalog.ts";
import { corrupt, findDatasetFiles, type ShardFiles } from "./dataset-files.ts";
import { toMarks } from "./shards/label-marks.ts";

export type LabelMarks = {
  /** [classes] of one sample: a view, not to be written to. */
  of(sample: number): Uint8Array;
};

const FILES_AT_ONCE = 8;

/** Reads the marks of a dataset that a catalog task committed. @throws UserError `data.shard-corrupt`, `data.no-labels` */
export async function readLabelMarks(
  store: Store,
  manifest: Manifest,
): Promise<LabelMarks> {
  const { catalog, shards } = await findDatasetFiles(store, manifest);
  const classes = catalog.classes.length;
  const parts = await mapBounded(shards, FILES_AT_ONCE, (shard) =>
    readShardMarks(shard, classes),
  );
  const marks = Buffer.concat(parts);
  if (marks.every((mark) => mark === 0)) throw noLabels(catalog.samples);
  return {
    of(sample) {
      if (sample < 0 || sample >= catalog.samples)
        throw new RangeError(
          `sample ${sample} is outside 0…${catalog.samples - 1}`,
        );
      return marks.subarray(sample * classes, (sample + 1) * classes);
    },
  };
}

async function readShardMarks(
  shard: ShardFiles,
  classes: number,
): Promise<Uint8Array> {
  const marks = await shard.readMarks();
  if (marks && marks.length !== shard.entry.samples * classes)
    throw corrupt(
      marksFileOf(shard.entry.file),
      shard,
      `it has not the ${classes} classes of the catalog`,
    );
  if (marks) return marks;
  const { samples } = await shard.readIndex();
  return Buffer.concat(
    samples.map(({ label }) =>
      toMarks(classes, { shown: label < 0 ? [] : [label], difficult: [] }),
    ),
  );
}

function noLabels(samples: number): UserError {
  return new UserError({
    code: "data.no-labels",
    message: `expected images that show classes; none of the ${samples} images of the dataset has a label`,
    hint: "pack a source that carries labels, such as one of format voc with its ImageSets/Main lists",
  });
}
