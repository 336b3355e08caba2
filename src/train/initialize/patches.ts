/**
 * Windows of a convolution's input as vectors: what its filters are multiplied with, zeros of the padding among them. Pure.
 *
 * A patch is [kernel, kernel, channels of its group] in one row, the order of a filter in `<convolution>/weight`.
 */
import { permute } from "../../base/random.ts";
import { sideAfter, type Unit } from "../../model/layer-rules.ts";

/** Maps [images, height, width, channels]. */
export type Maps = {
  readonly shape: readonly number[];
  readonly values: Float32Array;
};

/** Patches of one group of channels, row by row. */
export type Patches = {
  readonly count: number;
  readonly size: number;
  readonly values: Float32Array;
};

/** Patches of one layer may have so many numbers: half a gigabyte. */
const MOST_VALUES = 2 ** 27;

export function patchSize({ kernel, inputs, groups }: Unit): number {
  return kernel * kernel * (inputs / groups);
}

/** How many patches of each group to take from each image, and from all of them. */
export function planPatches(
  unit: Unit,
  { images, patches }: { readonly images: number; readonly patches: number },
): { readonly each: number; readonly most: number } {
  const fitting = Math.floor(MOST_VALUES / (patchSize(unit) * unit.groups));
  const most = Math.max(1, Math.min(patches, fitting));
  return { each: Math.ceil(most / images), most };
}

/** Collects patches image by image, at places that the seed, the image's number and the convolution's stream name. */
export function createPatchCollector(
  unit: Unit,
  options: {
    readonly images: number;
    readonly patches: number;
    readonly seed: number;
  },
): { add(maps: Maps): void; groups(): readonly Patches[] } {
  const { each, most } = planPatches(unit, options);
  const size = patchSize(unit);
  const groups = Array.from(
    { length: unit.groups },
    () => new Float32Array(most * size),
  );
  let [count, image] = [0, 0];
  return {
    add(maps) {
      const [images = 0, height = 0, width = 0] = maps.shape;
      const columns = sideAfter(width, unit);
      const cells = sideAfter(height, unit) * columns;
      for (let i = 0; i < images; i++, image++) {
        const wanted = Math.min(each, cells, most - count);
        for (let k = 0; k < wanted; k++, count++) {
          const cell = permute(k, cells, options.seed + image);
          const place = {
            image: i,
            top: origin(Math.floor(cell / columns), height, unit),
            left: origin(cell % columns, width, unit),
          };
          for (const [group, values] of groups.entries())
            copyWindow(
              maps,
              unit,
              { ...place, group },
              {
                values,
                at: count * size,
              },
            );
        }
      }
    },
    groups: () =>
      groups.map((values) => ({
        count,
        size,
        values: values.subarray(0, count * size),
      })),
  };
}

/** First pixel of the window of a cell along one side; negative in the padding. */
function origin(cell: number, side: number, unit: Unit): number {
  const { kernel, stride, padding } = unit;
  const before =
    padding === "same"
      ? Math.floor(
          Math.max((sideAfter(side, unit) - 1) * stride + kernel - side, 0) / 2,
        )
      : padding;
  return cell * stride - before;
}

function copyWindow(
  { shape, values }: Maps,
  { kernel, inputs, groups }: Unit,
  place: {
    readonly image: number;
    readonly top: number;
    readonly left: number;
    readonly group: number;
  },
  to: { readonly values: Float32Array; readonly at: number },
): void {
  const [, height = 0, width = 0] = shape;
  const channels = inputs / groups;
  for (let row = 0; row < kernel; row++)
    for (let column = 0; column < kernel; column++) {
      const [y, x] = [place.top + row, place.left + column];
      if (y < 0 || y >= height || x < 0 || x >= width) continue;
      const pixel = (place.image * height + y) * width + x;
      const from = pixel * inputs + place.group * channels;
      to.values.set(
        values.subarray(from, from + channels),
        to.at + (row * kernel + column) * channels,
      );
    }
}
