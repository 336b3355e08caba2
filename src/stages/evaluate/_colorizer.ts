/**
 * A pretrained colorizer as a function from gray images to pictures: the head at every pixel, and the way from its outputs back
 * to colours (paper, section 1.8). For `evaluate` and `colorize-images`.
 */
import { GRAY_MEAN, fromHueChroma } from "../../data/pixels/color.ts";
import { decodeHistograms } from "../../data/pixels/histograms.ts";
import type { Image } from "../../data/pixels/image.ts";
import { fromGrayAb, LAB_SCALE } from "../../data/pixels/lab.ts";
import { UserError } from "../../base/errors.ts";
import type { Engine, TensorValue } from "../../engine/engine.ts";
import { geometryOf } from "../../model/network.ts";
import { networkOf } from "../../model/networks.ts";
import { objectives, type ObjectiveSettings } from "../../model/objectives.ts";
import { floatsOf } from "../../train/trainer.ts";
import { createPredictor } from "../../train/jobs/predictor.ts";
import {
  ENCODER_FILE,
  HEAD_FILE,
  readModelDescription,
  readEncoderWeights,
  readWeights,
  type ModelFiles,
} from "../_model-files.ts";

export type Colorizer = {
  /** Pictures of centred gray images [batch, height, width], in their order. */
  colorize(gray: Float32Array): Promise<Image[]>;
  close(): Promise<void>;
};

type Settings = ObjectiveSettings["colorize"];
type Outputs = Readonly<Record<string, TensorValue>>;

/** From the outputs at all pixels and their gray values (not centred) to RGB, by what the model was trained to say. */
const toPixels: Readonly<
  Record<
    Settings["target"],
    (outputs: Outputs, gray: Float32Array, settings: Settings) => Uint8Array
  >
> = {
  "hue-chroma": (outputs, gray, { bins }) => {
    const decoded = decodeHistograms({
      hue: floatsOf(outputs, "hue"),
      chroma: floatsOf(outputs, "chroma"),
      bins,
    });
    return fromHueChroma({ ...decoded, gray });
  },
  "lab-regression": (outputs, gray) =>
    fromGrayAb({
      ab: floatsOf(outputs, "ab").map((value) => value * LAB_SCALE),
      gray,
    }),
};

/**
 * Compiles the colorizer of an artifact for one shape of batch.
 * @throws UserError `model.kind` if the model does not colorize.
 */
export async function createColorizer(options: {
  readonly engine: Engine;
  readonly files: ModelFiles;
  readonly batch: number;
  readonly width: number;
  readonly height: number;
}): Promise<Colorizer> {
  const { engine, files, batch, width, height } = options;
  const model = await readModelDescription(files);
  if (model.kind !== "colorizer") throw notAColorizer(model.kind);
  const settings = model.objective;
  const network = networkOf(model.network);
  const objective = objectives[settings.kind];
  const head = objective.declarations(settings, geometryOf(network));
  const predictor = await createPredictor({
    engine,
    network,
    weights: new Map([
      ...(await readEncoderWeights(files, ENCODER_FILE, network)),
      ...(await readWeights(files, HEAD_FILE, head)),
    ]),
    shape: [batch, height, width, 1],
    outputs: (layers, parameters) =>
      objective.predict({
        settings,
        layers,
        parameters,
        size: [height, width],
      }),
  });
  return {
    async colorize(centred) {
      const outputs = await predictor.predict(centred);
      const gray = centred.map((value) => value + GRAY_MEAN);
      const pixels = toPixels[settings.target](outputs, gray, settings);
      const size = width * height * 3;
      return Array.from({ length: batch }, (_, i) => ({
        width,
        height,
        pixels: pixels.subarray(i * size, (i + 1) * size),
      }));
    },
    close: () => predictor.close(),
  };
}

function notAColorizer(kind: string): UserError {
  return new UserError({
    code: "model.kind",
    message: `expected the weights of a colorizer; found a model of kind '${kind}'`,
    hint: "take the artifact of a pretrain stage whose objective is colorize",
  });
}
