/** Pictures that an evaluation keeps for people: what went in, what the model said, and the truth. */
import { encodePng } from "../../data/pixels/decode.ts";
import type { Image } from "../../data/pixels/image.ts";
import type { ImageSet } from "../../data/images/image-set.ts";
import type { StageOutput } from "../stage.ts";

export type Picture = {
  readonly sample: number;
  readonly gray: Image;
  readonly predicted: Image;
  readonly truth: Image;
};

/** `pictures/NNN-{gray,predicted,true}.png`, listed in `pictures.json` in the order of the dataset. */
export async function writePictures(
  output: StageOutput,
  images: ImageSet,
  pictures: readonly Picture[],
): Promise<void> {
  const list = [];
  const inOrder = pictures.toSorted((a, b) => a.sample - b.sample);
  for (const { sample, gray, predicted, truth } of inOrder) {
    const place = (which: string) =>
      `pictures/${String(sample).padStart(3, "0")}-${which}.png`;
    const files = {
      gray: place("gray"),
      predicted: place("predicted"),
      true: place("true"),
    };
    await output.write(files.gray, await encodePng(gray));
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

/** The image at place `i` of a batch; a copy, because a batch's memory is used again. */
export function copyImage(
  pixels: Uint8Array,
  i: number,
  size: { readonly width: number; readonly height: number },
): Image {
  const bytes = size.width * size.height * 3;
  return { ...size, pixels: pixels.slice(i * bytes, (i + 1) * bytes) };
}
