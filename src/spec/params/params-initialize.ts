/**
 * Parameters of `initialize`: where an encoder that has learned nothing here gets its weights from. Each method has its own,
 * which the others refuse; what all share comes last.
 */
import { z } from "zod";
import { readOneWay, side, statistics, trainingCrop } from "./params-common.ts";
import {
  anyDepth,
  anyWidth,
  model,
  TORCHVISION_ARCHS,
} from "./params-model.ts";
import { count } from "./units.ts";

/** Where first weights come from, by name; `stages/initialize.ts` has one entry for each. */
export const METHODS = ["random", "data-dependent", "imported"] as const;
export type InitializeMethod = (typeof METHODS)[number];

const clustering = z
  .strictObject({
    images: count
      .default(160)
      .describe("Unlabeled images that the patches are taken from."),
    patches: count
      .default(20_000)
      .describe(
        "Patches of each layer and group of channels; fewer where they are so large that they would not fit into half a gigabyte.",
      ),
    iterations: count
      .default(20)
      .describe(
        "Passes of k-means over the patches, at most: it ends where nothing changes.",
      ),
    betweenLayers: z
      .boolean()
      .default(true)
      .describe(
        "Scale whole layers against each other, so that all of them learn at the same rate.",
      ),
  })
  .describe("How `data-dependent` finds filters.");
export type ClusteringSettings = z.output<typeof clustering>;
/** Where nothing is said. */
export const standardClustering: ClusteringSettings = clustering.parse({});

const anyInitializeParams = z.strictObject({
  model: model.optional(),
  method: z
    .enum(METHODS)
    .default("random")
    .describe(
      "`random`: Xavier-uniform weights, zero biases. `data-dependent`: k-means of patches, scaled so that every channel has mean 0 and variance 1 (Krähenbühl et al., 2016). `imported`: those of a file.",
    ),
  clustering: clustering.optional(),
  file: z
    .string()
    .min(1)
    .optional()
    .describe(
      "`imported`: the safetensors file, a path or `s3://bucket/path`. Its content is part of the key, not its place.",
    ),
  names: z
    .enum(["torchvision", "hueline"])
    .optional()
    .describe(
      "`imported`: whose names and layout the file has; torchvision's unless told otherwise.",
    ),
  arch: z
    .enum(TORCHVISION_ARCHS)
    .optional()
    .describe(
      "`imported`, torchvision's names: which of its networks. Batch norm, padding and strides are torchvision's; `convert` changes them.",
    ),
  width: anyWidth.optional(),
  depth: anyDepth.optional(),
  pixels: z
    .enum(["imagenet", "centred"])
    .optional()
    .describe(
      "`imported`: what the weights were trained on. `imagenet`, usual with torchvision's names: each channel minus its mean, divided by its deviation, over ImageNet; the first convolution takes that over. `centred`, usual with ours: the mean gray is subtracted, nothing divided.",
    ),
  side,
  crop: trainingCrop(
    "the shorter side becomes a random whole number from `side` to 1.7 times it, as the paper's 352 to 599",
  ),
  statistics,
});
export type InitializeParams = z.output<typeof anyInitializeParams>;

type Param = keyof InitializeParams;

/** What each method needs, and what it takes besides. Parameters that are in no entry are everybody's. */
const paramsOf: Readonly<
  Record<
    InitializeMethod,
    { readonly needs: readonly Param[]; readonly takes: readonly Param[] }
  >
> = {
  random: { needs: ["model"], takes: [] },
  "data-dependent": { needs: ["model"], takes: ["clustering"] },
  imported: {
    needs: ["file"],
    takes: ["names", "arch", "width", "depth", "pixels", "model"],
  },
};
const own = new Set(
  Object.values(paramsOf).flatMap(({ needs, takes }) => [...needs, ...takes]),
);

export const initializeParams = anyInitializeParams
  .refine(...readOneWay)
  .superRefine((params, context) => {
    const { needs, takes } = paramsOf[params.method];
    const refuse = (param: Param, message: string) =>
      context.addIssue({ code: "custom", path: [param], message });
    for (const param of needs)
      if (params[param] === undefined)
        refuse(param, `the method ${params.method} needs '${param}'`);
    for (const param of own)
      if (params[param] !== undefined && ![...needs, ...takes].includes(param))
        refuse(param, `the method ${params.method} has no '${param}'`);
    if (params.method === "imported") checkImported(params, refuse);
  });

/** Torchvision's files do not say of which network they are; ours do, unless `model` does. */
function checkImported(
  { names = "torchvision", arch, model: own, width, depth }: InitializeParams,
  refuse: (param: Param, message: string) => void,
): void {
  if (names === "torchvision") {
    if (arch === undefined)
      refuse("arch", "torchvision's names need 'arch', such as vgg16");
    if (own !== undefined)
      refuse("model", "torchvision's names take 'arch' in place of 'model'");
    return;
  }
  const scaled = Object.entries({ arch, width, depth });
  for (const [param, value] of scaled)
    if (value !== undefined)
      refuse(
        param as Param,
        `hueline's names take 'model' in place of '${param}'`,
      );
}
