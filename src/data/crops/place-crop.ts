/**
 * Where the square of a `Crop` lies in an image: arithmetic on (seed, epoch, sample) and the image's size alone, so a
 * sample is cropped alike by any thread, on any rank and after any resume (invariant H).
 *
 * An image is thought of as scaled first, to whole pixels, and cut then. What is cut is told as a rectangle of the image
 * as it is stored, so that whoever samples it looks at each pixel once.
 */
import { below, streamOf, uniform } from "../../base/random.ts";
import { isMirrored } from "../batches/augment.ts";
import type { Crop } from "../loader/loader.ts";
import type { Occurrence } from "../order/training-order.ts";
import type { ImageSize } from "../pixels/image-size.ts";

/** Padding of images: the mean gray that is subtracted later (the paper, section 1.1), so that it ends as about 0. */
export const GRAY_BYTE = 114;
/** Padding of masks: no class. */
export const VOID_CLASS = 255;

type Rectangle = {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
};

export type Placement = {
  /** Of the image, in its pixels; the numbers may have fractions. */
  readonly source: Rectangle;
  /** Where in the square that rectangle goes, in whole pixels; the rest of the square is padding. */
  readonly target: Rectangle;
  /** The whole square is mirrored left and right, padding too. */
  readonly mirror: boolean;
};

const SCALE = streamOf("crop/scale");
const RATIO = streamOf("crop/ratio");
const LEFT = streamOf("crop/left");
const TOP = streamOf("crop/top");

/** Rectangles that are tried until one lies inside the image, as in torchvision's RandomResizedCrop. */
const AREA_TRIES = 10;

/** The draws of one sample in one epoch. */
type Draw = {
  uniform(stream: number, k?: number): number;
  below(n: number, stream: number, k?: number): number;
};

/** The place of one sample's square in one epoch. */
export function placeCrop(
  crop: Crop,
  image: ImageSize,
  at: Occurrence & { readonly seed: number },
): Placement {
  const words = [at.seed, at.epoch, at.sample] as const;
  const draw: Draw = {
    uniform: (stream, k = 0) => uniform(stream, ...words, k),
    below: (n, stream, k = 0) => below(n, stream, ...words, k),
  };
  const mirror = crop.mirror && isMirrored(at.seed, at);
  const { scale } = crop;
  return scale.kind === "area"
    ? { ...placeArea(crop, scale, image, draw), mirror }
    : {
        ...placeSquare(crop, scaleSize(scale, image, draw), image, draw),
        mirror,
      };
}

/** The square of a scaled image, or all of a scaled image that is smaller. */
function placeSquare(
  crop: Crop,
  scaled: ImageSize,
  image: ImageSize,
  draw: Draw,
): Omit<Placement, "mirror"> {
  const x = placeAxis(crop, image.width, scaled.width, (n) =>
    draw.below(n, LEFT),
  );
  const y = placeAxis(crop, image.height, scaled.height, (n) =>
    draw.below(n, TOP),
  );
  return {
    source: {
      left: x.source,
      top: y.source,
      width: x.sourceLength,
      height: y.sourceLength,
    },
    target: {
      left: x.target,
      top: y.target,
      width: x.targetLength,
      height: y.targetLength,
    },
  };
}

/** One axis: `length` pixels that are scaled to `scaled`. */
function placeAxis(
  { side, place }: Crop,
  length: number,
  scaled: number,
  drawBelow: (n: number) => number,
) {
  const pixel = length / scaled;
  if (scaled <= side)
    return {
      source: 0,
      sourceLength: length,
      target: half(side - scaled),
      targetLength: scaled,
    };
  const spare = scaled - side;
  const start = place === "random" ? drawBelow(spare + 1) : half(spare);
  return {
    source: start * pixel,
    sourceLength: side * pixel,
    target: 0,
    targetLength: side,
  };
}

function scaleSize(
  scale: Exclude<Crop["scale"], { kind: "area" }>,
  { width, height }: ImageSize,
  draw: Draw,
): ImageSize {
  switch (scale.kind) {
    case "none":
      return { width, height };
    case "factor": {
      const { min, max } = scale;
      const factor = min + (max - min) * draw.uniform(SCALE);
      return { width: times(width, factor), height: times(height, factor) };
    }
    case "shorter-side": {
      const { min, max } = scale;
      const shorter = min + draw.below(max - min + 1, SCALE);
      const factor = shorter / Math.min(width, height);
      return { width: times(width, factor), height: times(height, factor) };
    }
  }
}

function times(length: number, factor: number): number {
  return Math.max(1, Math.round(length * factor));
}

/** A rectangle of the wanted area and aspect; after some tries the largest centred one of an allowed aspect. */
function placeArea(
  { side, place }: Crop,
  scale: Extract<Crop["scale"], { kind: "area" }>,
  image: ImageSize,
  draw: Draw,
): Omit<Placement, "mirror"> {
  const target = { left: 0, top: 0, width: side, height: side };
  const { min, max, ratio } = scale;
  for (let k = 0; k < AREA_TRIES; k++) {
    const fraction = min + (max - min) * draw.uniform(SCALE, k);
    const area = fraction * image.width * image.height;
    const aspect = Math.exp(Math.log(ratio) * (2 * draw.uniform(RATIO, k) - 1));
    const width = Math.round(Math.sqrt(area * aspect));
    const height = Math.round(Math.sqrt(area / aspect));
    const [spareX, spareY] = [image.width - width, image.height - height];
    if (width < 1 || height < 1 || spareX < 0 || spareY < 0) continue;
    const isRandom = place === "random";
    const left = isRandom ? draw.below(spareX + 1, LEFT, k) : half(spareX);
    const top = isRandom ? draw.below(spareY + 1, TOP, k) : half(spareY);
    return { source: { left, top, width, height }, target };
  }
  return { source: centre(image, ratio), target };
}

function centre({ width, height }: ImageSize, ratio: number): Rectangle {
  const w = Math.min(width, Math.round(height * ratio));
  const h = Math.min(height, Math.round(width * ratio));
  return { left: half(width - w), top: half(height - h), width: w, height: h };
}

/** What is spare on the left and above when the rest is in the middle. */
function half(spare: number): number {
  return Math.floor(spare / 2);
}
