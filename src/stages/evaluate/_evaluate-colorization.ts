/** The evaluation task `colorization`: distance to the photographs' colours, and pictures to look at. */
import { openDataset, type Dataset } from "../../data/dataset.ts";
import { encodePng } from "../../data/pixels/decode.ts";
import { measuringBatches } from "../../data/batches/gray-batches.ts";
import type { Image } from "../../data/pixels/image.ts";
import { commonSize, type ImageSize } from "../../data/pixels/image-size.ts";
import { createColorScorer, toGrayImage } from "./_color-scores.ts";
import { createColorizer, type Colorizer } from "./_colorizer.ts";
import {
  inputOf,
  openStageEngine,
  padded,
  stopIfAborted,
} from "../_context.ts";
import { openModelFiles } from "../_model-files.ts";
import type { StageContext, StageResult, StageOutput } from "../stage.ts";

/** The head has hundreds of numbers for every pixel: more at once would only take more memory. */
const PIXELS_AT_ONCE = 2 ** 16;

type Evaluate = StageContext<"evaluate">;

export async function evaluateColorization(
  context: Evaluate,
): Promise<StageResult> {
  const { params, store, output } = context;
  const dataset = await openDataset(store, inputOf(context, "data").manifest, {
    limit: params.limit,
    side: params.side,
  });
  const size = commonSize(dataset);
  const atOnce = Math.max(1, Math.floor(PIXELS_AT_ONCE / pixelsOf(size)));
  const batch = Math.min(params.batch, dataset.size, atOnce);
  const colorizer = await createColorizer({
    engine: openStageEngine(context.engine),
    files: openModelFiles(store, inputOf(context, "model").manifest),
    batch,
    ...size,
  });
  const { pictures, metrics } = await (async () => {
    try {
      return await colorizeAll(context, colorizer, { dataset, batch });
    } finally {
      await colorizer.close();
    }
  })();
  await writePictures(output, dataset, pictures);
  return { metrics };
}

function pixelsOf({ width, height }: ImageSize): number {
  return width * height;
}

/** Scores over all images; the first `pictures` of them are kept. */
async function colorizeAll(
  context: Evaluate,
  colorizer: Colorizer,
  given: { readonly dataset: Dataset; readonly batch: number },
): Promise<StageResult & { readonly pictures: readonly Image[] }> {
  const { dataset } = given;
  const ours = createColorScorer();
  const colourless = createColorScorer();
  const pictures: Image[] = [];
  let done = 0;
  for (const some of measuringBatches(given)) {
    stopIfAborted(context);
    const count = some.samples.length;
    const size = some.gray.length / count;
    const predicted = await colorizer.colorize(
      padded(some.gray, size * given.batch),
    );
    for (const [i, sample] of some.samples.entries()) {
      const truth = dataset.image(sample);
      const picture = predicted[i] as Image;
      ours.add(picture, truth);
      colourless.add(toGrayImage(truth), truth);
      if (pictures.length < context.params.pictures) pictures.push(picture);
    }
    done += count;
    context.progress({
      step: done,
      steps: dataset.size,
      detail: "images colorized",
    });
  }
  const gray = colourless.scores();
  return {
    pictures,
    metrics: {
      ...ours.scores(),
      grayRmse: gray.rmse,
      grayPsnr: gray.psnr,
      images: dataset.size,
    },
  };
}

/** `pictures/NNN-{gray,predicted,true}.png`, listed in `pictures.json`. */
async function writePictures(
  output: StageOutput,
  dataset: Dataset,
  pictures: readonly Image[],
): Promise<void> {
  const list = [];
  for (const [sample, predicted] of pictures.entries()) {
    const truth = dataset.image(sample);
    const place = (which: string) =>
      `pictures/${String(sample).padStart(3, "0")}-${which}.png`;
    const files = {
      gray: place("gray"),
      predicted: place("predicted"),
      true: place("true"),
    };
    await output.write(files.gray, await encodePng(toGrayImage(truth)));
    await output.write(files.predicted, await encodePng(predicted));
    await output.write(files.true, await encodePng(truth));
    const label = dataset.classes[dataset.label(sample)];
    list.push({ name: label ?? dataset.sampleName(sample), ...files });
  }
  await output.write(
    "pictures.json",
    new TextEncoder().encode(`${JSON.stringify(list)}\n`),
  );
}
