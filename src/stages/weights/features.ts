/**
 * `hueline features`: what one layer of a network says of image files, as they are: no scaling, no crop, values in [0, 1] minus
 * the mean gray.
 */
import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { UserError } from "../../base/errors.ts";
import { GRAY_MEAN, toGray } from "../../data/pixels/color.ts";
import type { Image } from "../../data/pixels/image.ts";
import type { Engine } from "../../engine/engine.ts";
import { layerNames, throughLayer, type Network } from "../../model/network.ts";
import type { WeightArray, Weights } from "../../model/weights.ts";
import { encodeSafetensors } from "../../store/artifacts/safetensors.ts";
import { onLocalFile } from "../../store/transfer/local-files.ts";
import { createPredictor } from "../../train/jobs/predictor.ts";
import { floatsOf } from "../../train/trainer.ts";
import { toTensorData } from "../../train/variables.ts";
import { openStageEngine } from "../_context.ts";
import { readPictureFile } from "../_picture-file.ts";
import type { EngineOptions } from "../stage.ts";
import { openWeights, type WeightSource } from "./weight-service.ts";

export type FeaturesRequest = {
  readonly source: WeightSource;
  readonly images: readonly string[];
  readonly layer: string;
  readonly output: string;
};

export type ImageFeatures = {
  readonly image: string;
  /** Of its tensor. */
  readonly name: string;
  /** [height, width, channels] */
  readonly shape: readonly number[];
};

/** Writes a tensor for each image, [height, width, channels], by the name of its file. @throws UserError `features.layer`, … */
export async function writeFeatures(
  request: FeaturesRequest & { readonly engine: EngineOptions },
): Promise<readonly ImageFeatures[]> {
  const { source, images, layer, output } = request;
  const { network, weights } = await openWeights(source);
  const front = throughLayer(network, layer);
  if (!front)
    throw new UserError({
      code: "features.layer",
      message: `the network has no layer '${layer}'`,
      hint: `its layers are ${layerNames(network).join(", ")}`,
    });
  checkNames(images);
  const engine = openStageEngine(request.engine);
  const tensors = new Map<string, WeightArray>();
  for (const path of images) {
    const image = await readPictureFile(path, "features.image");
    const maps = await computeMaps(engine, { network: front, weights }, image);
    tensors.set(basename(path), maps);
  }
  await onLocalFile("write", output, () =>
    writeFile(
      output,
      encodeSafetensors(toTensorData(tensors), { layer, layout: "HWC" }),
    ),
  );
  return images.map((image) => {
    const name = basename(image);
    return { image, name, shape: tensors.get(name)?.shape ?? [] };
  });
}

/** Two images of one name would be one tensor. */
function checkNames(images: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const image of images) {
    const other = seen.get(basename(image));
    if (other !== undefined)
      throw new UserError({
        code: "features.same-name",
        message: `'${other}' and '${image}' would both be the tensor '${basename(image)}'`,
        hint: "write them into two files",
      });
    seen.set(basename(image), image);
  }
}

async function computeMaps(
  engine: Engine,
  model: { readonly network: Network; readonly weights: Weights },
  image: Image,
): Promise<WeightArray> {
  const { width, height } = image;
  const channels = model.network.inputChannels;
  const predictor = await createPredictor({
    ...model,
    engine,
    shape: [1, height, width, channels],
    outputs: ([layer]) => (layer ? { maps: layer.maps_NHWC } : {}),
  });
  try {
    const outputs = await predictor.predict(toInput(image, channels));
    const values = Float32Array.from(floatsOf(outputs, "maps"));
    return { shape: outputs["maps"]?.shape.slice(1) ?? [], values };
  } finally {
    await predictor.close();
  }
}

/** [height, width, channels] in [0, 1], minus the mean gray. */
function toInput({ pixels }: Image, channels: number): Float32Array {
  return channels === 1
    ? toGray(pixels)
    : Float32Array.from(pixels, (byte) => byte / 255 - GRAY_MEAN);
}
