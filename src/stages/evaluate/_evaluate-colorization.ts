/** The evaluation task `colorization`: distance to the photographs' colours, and pictures to look at. */
import { createGrayBatches } from "../../data/batches/gray-batches.ts";
import type { ImageSet } from "../../data/images/image-set.ts";
import type { Image } from "../../data/pixels/image.ts";
import type { ImageSize } from "../../data/pixels/image-size.ts";
import { createColorScorer, toGrayImage } from "./_color-scores.ts";
import { createColorizer, type Colorizer } from "./_colorizer.ts";
import { inputOf, openStageEngine, stopIfAborted } from "../_context.ts";
import { openStageImages } from "../_images.ts";
import { openModelFiles } from "../_model-files.ts";
import type { StageContext, StageResult } from "../stage.ts";
import { copyImage, writePictures, type Picture } from "./_pictures.ts";

/** The head has hundreds of numbers for every pixel: more at once would only take more memory. */
const PIXELS_AT_ONCE = 2 ** 16;

type Evaluate = StageContext<"evaluate">;

export async function evaluateColorization(
  context: Evaluate,
): Promise<StageResult> {
  const { params, store, output } = context;
  const images = await openStageImages(context, {
    ...params,
    mirror: params.crop?.mirror ?? false,
    recipe: "measuring",
  });
  const size = images.imageSize;
  const atOnce = Math.max(1, Math.floor(PIXELS_AT_ONCE / pixelsOf(size)));
  const batch = Math.min(params.batch, images.size, atOnce);
  const colorizer = await createColorizer({
    engine: openStageEngine(context.engine),
    files: openModelFiles(store, inputOf(context, "model").manifest),
    batch,
    ...size,
  });
  const { pictures, metrics } = await (async () => {
    try {
      return await colorizeAll(context, colorizer, { images, batch });
    } finally {
      await colorizer.close();
    }
  })();
  await writePictures(output, images, pictures);
  return { metrics };
}

function pixelsOf({ width, height }: ImageSize): number {
  return width * height;
}

/** Scores over all images; the first `pictures` of the dataset are kept. */
async function colorizeAll(
  context: Evaluate,
  colorizer: Colorizer,
  given: { readonly images: ImageSet; readonly batch: number },
): Promise<StageResult & { readonly pictures: readonly Picture[] }> {
  const { images, batch } = given;
  const { imageSize, size, views } = images;
  const toBatch = createGrayBatches({ imageSize, batch, seed: 0, shift: 0 });
  const ours = createColorScorer();
  const colourless = createColorScorer();
  const pictures = new Map<number, Picture>();
  let done = 0;
  for await (const some of images.measure({ batch })) {
    stopIfAborted(context);
    const predicted = await colorizer.colorize(toBatch(some).gray);
    for (let i = 0; i < some.counted; i++) {
      const sample = some.samples[i] as number;
      const truth = copyImage(some.pixels, i, imageSize);
      const gray = toGrayImage(truth);
      const colored = copyImage((predicted[i] as Image).pixels, 0, imageSize);
      ours.add(colored, truth);
      colourless.add(gray, truth);
      if (sample < context.params.pictures && !pictures.has(sample))
        pictures.set(sample, { sample, gray, predicted: colored, truth });
    }
    done += some.counted;
    context.progress({
      step: done,
      steps: size * views,
      detail: "images colorized",
    });
  }
  const gray = colourless.scores();
  return {
    pictures: [...pictures.values()],
    metrics: {
      ...ours.scores(),
      grayRmse: gray.rmse,
      grayPsnr: gray.psnr,
      images: size,
    },
  };
}
