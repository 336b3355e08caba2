/**
 * How a pipeline file names a network: by its name alone (`model: vgg16`), or with what it may differ in
 * (`model: { network: vgg16, input: rgb, width: 0.25 }`). `model.json` records the same. A network that knows an option
 * declares it here; one that does not refuses it.
 */
import { z } from "zod";

/** Networks by name; `model/networks.ts` has one entry for each. */
export const MODELS = [
  "conv6",
  "alexnet",
  "vgg16",
  "resnet50",
  "resnet101",
  "resnet152",
] as const;
export type ModelName = (typeof MODELS)[number];

/** Networks as torchvision calls and builds them, of which weights can be read and written. */
export const TORCHVISION_ARCHS = [
  "alexnet",
  "vgg16",
  "vgg16_bn",
  "resnet50",
  "resnet101",
  "resnet152",
] as const;
export type TorchvisionArch = (typeof TORCHVISION_ARCHS)[number];

const input = z
  .enum(["gray", "rgb"])
  .default("gray")
  .describe("One channel of gray, or three of colour.");
export const anyWidth = z
  .number()
  .min(1 / 64)
  .max(4)
  .describe("Multiplies the width of every layer.");
const width = anyWidth.default(1);
export const anyDepth = z
  .number()
  .gt(0)
  .max(1)
  .describe(
    "Keeps this fraction of the layers (or blocks) between two changes of the resolution, at least one.",
  );
const depth = anyDepth.default(1);
const residualBatchNorm = z
  .enum(["parameter-free", "trainable"])
  .default("trainable")
  .describe(
    "After every convolution: normalization alone, or with a scale and a shift that are trained.",
  );
const mode = z
  .enum(["convolutional", "classification"])
  .default("convolutional")
  .describe(
    "Padding throughout, so that images of any size give maps; or none where the classifier had none, so that its own size gives one cell.",
  );

/** The fully connected layers of torchvision's `vgg16_bn` have none. */
const chainBatchNorm = z
  .enum(["parameter-free", "trainable", "convolutions", "none"])
  .default("parameter-free")
  .describe(
    "After every layer: normalization alone, or with a scale and a shift that are trained. `convolutions`: the latter, and nothing after fc6 and fc7, as in torchvision. `none`: no batch norm, as in the public VGG-16.",
  );

/** Kernel, stride and padding of the same size: nothing but the count of stages tells the three apart. */
const resnet = <N extends ModelName>(network: N) =>
  z.strictObject({
    network: z.literal(network),
    input,
    width,
    depth,
    batchNorm: residualBatchNorm,
    stride: z
      .enum(["1x1", "3x3"])
      .default("1x1")
      .describe(
        "Which convolution of a stage's first block lowers the resolution: the first 1x1 (Caffe, the paper) or the 3x3 (torchvision).",
      ),
  });

const modelOptions = z.discriminatedUnion("network", [
  z.strictObject({ network: z.literal("conv6"), input, width }),
  z.strictObject({
    network: z.literal("alexnet"),
    input,
    width,
    depth,
    batchNorm: chainBatchNorm,
    mode,
    lrn: z
      .boolean()
      .default(true)
      .describe("Local response normalization before the first two pools."),
    filters: z
      .enum(["caffe", "torchvision"])
      .optional()
      .describe(
        "How many filters, in which groups: Caffe's and the paper's, conv2, conv4 and conv5 in two groups; or torchvision's, fewer and without groups (Krizhevsky, 2014). Caffe's.",
      ),
  }),
  z.strictObject({
    network: z.literal("vgg16"),
    input,
    width,
    depth,
    batchNorm: chainBatchNorm,
    mode,
  }),
  resnet("resnet50"),
  resnet("resnet101"),
  resnet("resnet152"),
]);

export const model = z
  .union([z.enum(MODELS), modelOptions])
  .describe("The encoder network: its name, or its name and options.");

/** As a pipeline file and `model.json` say it. */
export type ModelChoice = z.output<typeof model>;
/** With every option known. */
export type ModelOptions = z.output<typeof modelOptions>;
export type OptionsOf<N extends ModelName> = Extract<
  ModelOptions,
  { network: N }
>;

/** The choice with every option known: a name alone has the usual ones. */
export function modelOptionsOf<N extends ModelName>(choice: N): OptionsOf<N>;
export function modelOptionsOf(choice: ModelChoice): ModelOptions;
export function modelOptionsOf(choice: ModelChoice): ModelOptions {
  return typeof choice === "string"
    ? modelOptions.parse({ network: choice })
    : choice;
}
