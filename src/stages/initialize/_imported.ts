/**
 * First weights out of a file: another program's in torchvision's names, or one of ours. What the network does not have and the file
 * does is refused; a classifier above the encoder is kept, for who trains it on.
 */
import { UserError } from "../../base/errors.ts";
import { openFilePlace } from "../../data/places/file-place.ts";
import { GRAY_MEAN } from "../../data/pixels/color.ts";
import { rescalePixels, type PixelScale } from "../../model/convert.ts";
import { hasStatistics, isFolded } from "../../model/encoder-weights.ts";
import type { InitializeParams } from "../../spec/params/params-initialize.ts";
import { modelOptionsOf } from "../../spec/params/params-model.ts";
import type { Safetensors } from "../../store/artifacts/safetensors.ts";
import {
  readTorchvision,
  torchvisionArchs,
} from "../weights/_torchvision-file.ts";
import {
  decodeFile,
  readOwn,
  toWeightFile,
  type WeightFile,
} from "../weights/_weight-file.ts";
import type { Method } from "./_method.ts";

type Names = NonNullable<InitializeParams["names"]>;
type Pixels = NonNullable<InitializeParams["pixels"]>;

/** By whose names a file has: how it is read, and what its network was shown where the pipeline does not say. */
const formats: Readonly<
  Record<
    Names,
    {
      readonly pixels: Pixels;
      read(
        name: string,
        file: Safetensors,
        params: InitializeParams,
      ): WeightFile;
    }
  >
> = {
  torchvision: {
    pixels: "imagenet",
    read(name, file, { arch, width, depth }) {
      if (arch === undefined) throw new Error("the parameters name no arch");
      const scale = {
        ...(width === undefined ? {} : { width }),
        ...(depth === undefined ? {} : { depth }),
      };
      const options = Object.assign({}, torchvisionArchs[arch], scale);
      return readTorchvision(name, file, options);
    },
  },
  hueline: {
    pixels: "centred",
    read: (name, file, { model }) =>
      model === undefined
        ? toWeightFile(name, file)
        : readOwn(name, file, modelOptionsOf(model)),
  },
};

const GRAY: PixelScale = {
  mean: [GRAY_MEAN, GRAY_MEAN, GRAY_MEAN],
  deviation: [1, 1, 1],
};
/** What pixels are to a network; torchvision's documentation of its weights has the figures of ImageNet. */
const scales: Readonly<Record<Pixels, PixelScale | null>> = {
  centred: null,
  imagenet: { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] },
};

/** @throws UserError `data.file-missing`, `data.source-changed`, `weights.mismatch`, `weights.no-statistics`, … */
export const imported: Method = async ({ params, description }) => {
  const { file = "", names = "torchvision" } = params;
  const place = await openFilePlace(file);
  const bytes = await place.read(description.sources?.[file]);
  const { pixels: usual, read } = formats[names];
  const found = read(place.name, decodeFile(place.name, bytes), params);
  const { network } = found;
  if (
    !hasStatistics(network, found.weights) &&
    !isFolded(network, found.weights)
  )
    throw new UserError({
      code: "weights.no-statistics",
      message: `'${place.name}' has no batch-norm statistics ('<layer>/mean' and '<layer>/variance')`,
      hint: "take weights that were saved with them, or of a network without batch norm (model: { batchNorm: none })",
    });
  return {
    network,
    weights: toOurPixels(place.name, found, params.pixels ?? usual),
    dataset: description.sources?.[file] ?? (await place.fingerprint()),
    metrics: {},
  };
};

function toOurPixels(
  name: string,
  { network, weights }: WeightFile,
  pixels: Pixels,
): WeightFile["weights"] {
  const from = scales[pixels];
  if (!from) return weights;
  if (network.inputChannels !== from.mean.length)
    throw new UserError({
      code: "initialize.pixels",
      message: `'${name}' reads ${network.inputChannels} channel, and pixels: ${pixels} speaks of ${from.mean.length}`,
      hint: "pixels: centred takes the weights as they are, for gray values minus their mean",
    });
  return rescalePixels(network, weights, { from, to: GRAY });
}
