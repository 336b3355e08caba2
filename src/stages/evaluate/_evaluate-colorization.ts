/** The evaluation task `colorization`: distance to the photographs' colours, and pictures to look at. */
import { encodePng } from "../../data/pixels/decode.ts";
import { createGrayBatches } from "../../data/batches/gray-batches.ts";
import type { ImageSet } from "../../data/images/image-set.ts";
import type { Image } from "../../data/pixels/image.ts";
import type { ImageSize } from "../../data/pixels/image-size.ts";
import { createColorScorer, toGrayImage } from "./_color-scores.ts";
import { createColorizer, type Colorizer } from "./_colorizer.ts";
import { inputOf, openStageEngine, stopIfAborted } from "../_context.ts";
import { openStageImages } from "../_images.ts";
import { openModelFiles } from "../_model-files.ts";
import type { StageContext, StageResult, StageOutput } from "../stage.ts";

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

/** A photograph and its colours as the model sees them. */
type Picture = {
  readonly sample: number;
  readonly truth: Image;
  readonly predicted: Image;
};

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
      const truth = imageAt(some.pixels, i, imageSize);
      const picture = { sample, truth, predicted: predicted[i] as Image };
      ours.add(picture.predicted, truth);
      colourless.add(toGrayImage(truth), truth);
      if (sample < context.params.pictures && !pictures.has(sample))
        pictures.set(sample, copyOf(picture));
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
    pictures: [...pictures.values()].toSorted((a, b) => a.sample - b.sample),
    metrics: {
      ...ours.scores(),
      grayRmse: gray.rmse,
      grayPsnr: gray.psnr,
      images: size,
    },
  };
}

function imageAt(pixels: Uint8Array, i: number, size: ImageSize): Image {
  const bytes = pixelsOf(size) * 3;
  return { ...size, pixels: pixels.subarray(i * bytes, (i + 1) * bytes) };
}

/** The memory of a batch is used again. */
function copyOf({ sample, truth, predicted }: Picture): Picture {
  const copy = (image: Image) => ({ ...image, pixels: image.pixels.slice() });
  return { sample, truth: copy(truth), predicted: copy(predicted) };
}

/** `pictures/NNN-{gray,predicted,true}.png`, listed in `pictures.json`. */
async function writePictures(
  output: StageOutput,
  images: ImageSet,
  pictures: readonly Picture[],
): Promise<void> {
  const list = [];
  for (const { sample, truth, predicted } of pictures) {
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
    const label = images.classes[images.label(sample)];
    list.push({ name: label ?? images.sampleName(sample), ...files });
  }
  await output.write(
    "pictures.json",
    new TextEncoder().encode(`${JSON.stringify(list)}\n`),
  );
}
