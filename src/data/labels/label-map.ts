/**
 * A label map as files, for people and programs (docs/formats.md, "Label maps"): `label-map.json` says which class is in which
 * bucket, `labels.safetensors` holds the label of every sample of the dataset, `label-map.md` is a table to look at.
 *
 * Who reads one checks it: every label is a bucket or −1, and the dataset is the one that the map was made for.
 */
import { z } from "zod";
import { UserError } from "../../base/errors.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
} from "../../store/artifacts/safetensors.ts";
import { toJsonBytes } from "../catalog.ts";
import type { Bucket, LabelledClass } from "./buckets.ts";
import type { DrawnLabels } from "./draw-labels.ts";
import { synsetOfClass } from "./synsets.ts";

export const LABEL_MAP_FILE = "label-map.json";
export const LABEL_TABLE_FILE = "label-map.md";
export const SAMPLE_LABELS_FILE = "labels.safetensors";
const LABELS_TENSOR = "labels";

const count = z.int().min(0);
const labelMapSchema = z.object({
  version: z.literal(1),
  /** SHA-256 of the catalog of the dataset that it is about. */
  dataset: z.string(),
  /** The parameter `map` of the stage, after defaults. */
  map: z.looseObject({ kind: z.string() }),
  seed: count,
  /** Of the dataset, with a label, and with that of their class. */
  samples: z.object({ all: count, labelled: count, right: count }),
  buckets: z.array(
    z.object({ name: z.string(), classes: count, images: count }),
  ),
  classes: z.array(
    z.object({
      name: z.string(),
      /** What WordNet calls it; null: its name is no synset. */
      words: z.string().nullable(),
      bucket: count,
      images: count,
    }),
  ),
});
type LabelMapFile = z.output<typeof labelMapSchema>;

/** What training needs of a map. */
export type LabelMap = {
  readonly dataset: string;
  /** Names of the buckets, by label. */
  readonly buckets: readonly string[];
  /** By sample of the dataset; −1: it is not trained on. */
  readonly labels: Int32Array;
};

export type LabelMapParts = Pick<LabelMapFile, "dataset" | "map" | "seed"> & {
  readonly buckets: readonly Bucket[];
  readonly classes: readonly LabelledClass[];
  /** Bucket of each class. */
  readonly bucketOf: Int32Array;
  readonly drawn: DrawnLabels;
};

/** The files of a map, by name. */
export function encodeLabelMap(
  parts: LabelMapParts,
): Readonly<Record<string, Uint8Array>> {
  const file = toFile(parts);
  const { labels } = parts.drawn;
  const tensor = {
    dtype: "I32",
    shape: [labels.length],
    bytes: new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength),
  } as const;
  return {
    [LABEL_MAP_FILE]: toJsonBytes(file),
    [LABEL_TABLE_FILE]: new TextEncoder().encode(toTable(file)),
    [SAMPLE_LABELS_FILE]: encodeSafetensors(new Map([[LABELS_TENSOR, tensor]])),
  };
}

function toFile(parts: LabelMapParts): LabelMapFile {
  const { dataset, map, seed, classes, bucketOf, drawn } = parts;
  const { synsets } = z
    .object({ synsets: z.record(z.string(), z.string()).default({}) })
    .parse(map);
  const images = parts.buckets.map(() => 0);
  for (const label of drawn.labels)
    if (label >= 0) images[label] = (images[label] ?? 0) + 1;
  return {
    version: 1,
    dataset,
    map,
    seed,
    samples: {
      all: drawn.labels.length,
      labelled: drawn.images,
      right: drawn.right,
    },
    buckets: parts.buckets.map((bucket, label) => ({
      name: bucket.name,
      classes: bucket.classes.length,
      images: images[label] ?? 0,
    })),
    classes: classes.map(({ name, images }, label) => ({
      name,
      words: synsetOfClass(name, synsets)?.word ?? null,
      bucket: bucketOf[label] as number,
      images,
    })),
  };
}

/** A row a bucket, in Markdown. */
function toTable({
  buckets,
  classes,
  samples,
  map,
  seed,
}: LabelMapFile): string {
  const cell = (text: string) => text.replaceAll("|", "\\|");
  const rows = buckets.map(({ name, images }, label) => {
    const own = classes.filter(({ bucket }) => bucket === label);
    const names = own.map(({ name: id, words }) => words ?? id).join(", ");
    return `| ${label} | ${cell(name)} | ${own.length} | ${images} | ${cell(names)} |\n`;
  });
  return [
    `# Labels: ${map.kind}, ${buckets.length}\n\n`,
    `${samples.labelled} of ${samples.all} images are trained on, ${samples.right} of them with the label of their class. Seed ${seed}.\n\n`,
    "| label | bucket | classes | images | what is in it |\n",
    "| ----: | ------ | ------: | -----: | ------------- |\n",
    ...rows,
  ].join("");
}

/** @throws UserError `labels.unreadable` for files that are no map of version 1. */
export function decodeLabelMap(files: {
  readonly json: Uint8Array;
  readonly labels: Uint8Array;
}): LabelMap {
  const { dataset, buckets, samples } = parseFile(files.json);
  const tensor = decodeSafetensors(files.labels).tensors.get(LABELS_TENSOR);
  if (tensor?.dtype !== "I32" || tensor.shape.join() !== String(samples.all))
    throw unreadable(`'${SAMPLE_LABELS_FILE}' does not hold a label a sample`);
  // A copy: a view of the file's bytes need not be aligned.
  const labels = new Int32Array(tensor.bytes.slice().buffer);
  if (labels.some((label) => label < -1 || label >= buckets.length))
    throw unreadable(`'${SAMPLE_LABELS_FILE}' holds labels that are no bucket`);
  return { dataset, buckets: buckets.map(({ name }) => name), labels };
}

function parseFile(json: Uint8Array): LabelMapFile {
  try {
    return labelMapSchema.parse(JSON.parse(new TextDecoder().decode(json)));
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError) && !(thrown instanceof z.ZodError))
      throw thrown;
    throw unreadable(
      `'${LABEL_MAP_FILE}' is no label map of version 1`,
      thrown,
    );
  }
}

function unreadable(problem: string, cause?: unknown): UserError {
  return new UserError({
    code: "labels.unreadable",
    message: `the label map can not be used: ${problem}`,
    hint: "it may come from another version of hueline: remove its manifest from the store and run the pipeline again",
    cause,
  });
}
