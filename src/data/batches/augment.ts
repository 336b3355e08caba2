/**
 * Augmentation by counter: every number is a hash of (seed, epoch, sample, k), never the next draw of a stream, so a
 * sample is augmented alike on any worker, after any resume and in any order (invariant H).
 */
import { UserError } from "../../base/errors.ts";
import { below, hash32, streamOf } from "../../base/random.ts";
import type { Occurrence } from "../order/training-order.ts";
import type { ImageSize } from "../pixels/image-size.ts";

const MIRROR = streamOf("augment/mirror");
const SHIFT_Y = streamOf("augment/shift-y");
const SHIFT_X = streamOf("augment/shift-x");
const PLACE_Y = streamOf("augment/place-y");
const PLACE_X = streamOf("augment/place-x");

/** Whether to mirror left and right: half of the time. */
export function isMirrored(seed: number, at: Occurrence): boolean {
  return (hash32(MIRROR, seed, at.epoch, at.sample) & 1) === 1;
}

/** A shift of at most `reach` pixels in each direction: whole numbers, uniform in [−reach, reach]. */
export function shiftOf(
  seed: number,
  at: Occurrence,
  reach: number,
): { readonly dy: number; readonly dx: number } {
  const side = 2 * reach + 1;
  return {
    dy: below(side, SHIFT_Y, seed, at.epoch, at.sample) - reach,
    dx: below(side, SHIFT_X, seed, at.epoch, at.sample) - reach,
  };
}

/** Place `k` of a sample: whole pixels, uniform in [border, side − border) of each side (paper 1.6). */
export function placeOf(
  seed: number,
  at: Occurrence,
  k: number,
  area: {
    readonly width: number;
    readonly height: number;
    readonly border: number;
  },
): { readonly y: number; readonly x: number } {
  const { width, height, border } = area;
  return {
    y:
      border +
      below(height - 2 * border, PLACE_Y, seed, at.epoch, at.sample, k),
    x:
      border + below(width - 2 * border, PLACE_X, seed, at.epoch, at.sample, k),
  };
}

/** @throws UserError `data.border` when `placeOf` has nothing to choose from. */
export function checkBorder(
  { width, height }: ImageSize,
  border: number,
): void {
  if (2 * border < Math.min(width, height)) return;
  throw new UserError({
    code: "data.border",
    message: `no place is left in images of ${width} × ${height} pixels with a border of ${border} pixels`,
    hint: `set the border below ${Math.ceil(Math.min(width, height) / 2)}`,
  });
}
