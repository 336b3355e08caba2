/**
 * A dataset in two kinds of JSON file (docs/formats.md): `part.json`, what one shard task packed, and `dataset.json`,
 * the catalog of all shards, whose SHA-256 is the dataset's id.
 *
 * The catalog names shards by file, not by place: the manifest of the catalog's artifact lists the keys of the parts,
 * and each part's manifest the file. So the id depends on what the images are, not on where they lie.
 */
import { z } from "zod";
import { PACKING_VERSION } from "./order/packing-order.ts";

export const PART_FILE = "part.json";
export const CATALOG_FILE = "dataset.json";
export const LEFT_OUT_FILE = "left-out.json";

/** File names of part `index` of `count`, as WebDataset writes ranges: shard-00000-of-00002.tar. */
export function shardFiles(part: {
  readonly index: number;
  readonly count: number;
}): { readonly tar: string; readonly index: string; readonly marks: string } {
  const pad = (n: number) => String(n).padStart(5, "0");
  const name = `shard-${pad(part.index)}-of-${pad(part.count)}`;
  return {
    tar: `${name}.tar`,
    index: `${name}.idx`,
    marks: marksFileOf(`${name}.tar`),
  };
}

/** The file of marks beside a tar. */
export function marksFileOf(tar: string): string {
  return tar.replace(/\.tar$/, ".marks");
}

const count = z.int().min(0);
const range = z.object({ min: count, max: count });

const quarantined = z.object({
  /** Number of the image in the source's own order. */
  source: count,
  origin: z.string(),
  reason: z.string(),
});
export type Quarantined = z.output<typeof quarantined>;

const sourceFacts = z.object({
  format: z.string(),
  split: z.string(),
  identity: z.string(),
  items: count,
});

/** What lay at the source and is not in its list: reported, and no part of what the dataset is. */
export const leftOutSchema = z.array(
  z.object({ reason: z.string(), count, examples: z.array(z.string()) }),
);

const contents = {
  classes: z.array(z.string()),
  /** Images that show each class; an image may show several. */
  perClass: z.array(count),
  unlabelled: count,
  samples: count,
  width: range,
  height: range,
  quarantine: z.array(quarantined),
  /** Null: the images have no masks. */
  masks: z
    .object({
      /** What the numbers of masks mean, from 0; 255 is void. */
      classes: z.array(z.string()),
      samples: count,
    })
    .nullable(),
  /** Null: all images are as they were at the source. */
  shrink: z
    .object({
      /** The shorter side that larger images were scaled down to. */
      side: count,
      images: count,
      /** What they were scaled with, of all parts. */
      encoders: z.array(z.string()),
    })
    .nullable(),
};

export const partSchema = z.object({
  version: z.literal(2),
  index: count,
  count,
  source: sourceFacts,
  order: z.object({ version: z.literal(PACKING_VERSION), seed: count }),
  ...contents,
  leftOut: leftOutSchema,
  /** Sum over the images of their mean chroma. */
  chromaSum: z.number(),
});
export type ShardPart = z.output<typeof partSchema>;

export const catalogSchema = z.object({
  version: z.literal(2),
  source: sourceFacts,
  order: z.object({ version: z.literal(PACKING_VERSION), seed: count }),
  ...contents,
  /** E[C]: mean over the images of their mean chroma, in [0, 1]; 1 / E[C] balances the hue loss (paper 1.4). */
  meanChroma: z.number().min(0).max(1),
  shards: z.array(
    z.object({
      file: z.string(),
      samples: count,
      sizeBytes: count,
      crc32: z.string(),
      sha256: z.string(),
      index: z.object({ file: z.string(), crc32: z.string() }),
    }),
  ),
});
export type Catalog = z.output<typeof catalogSchema>;

/** The bytes of a catalog, part or list: stable, one line per top-level field. */
export function toJsonBytes(value: object): Uint8Array {
  const lines = Object.entries(value).map(
    ([key, field]) => `  ${JSON.stringify(key)}: ${JSON.stringify(field)}`,
  );
  return new TextEncoder().encode(`{\n${lines.join(",\n")}\n}\n`);
}
