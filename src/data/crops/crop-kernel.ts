/**
 * The SIMD kernel of native/crop/crop.ts with its memory: a decoder writes an image into it, one call makes the square.
 *
 * The memory belongs to one thread and grows with the largest image that it has seen, at most to `MAX_PIXELS`; it is laid
 * out anew for each image: two tables, a row, the square, the image.
 *
 * While the image has at least two pixels for one of the square in both directions, it is halved by means of 2 × 2, so
 * that shrinking a large photograph loses no detail to chance; what is left, a factor below 2, is bilinear.
 */
import { UserError } from "../../base/errors.ts";
import type { ImageSize } from "../pixels/image-size.ts";
import { CROP_MODULE } from "./crop-module.ts";
import { GRAY_BYTE, type Placement } from "./place-crop.ts";

/** Raise it when the same image and placement give other bytes: it is part of a run's identity. */
export const KERNEL_VERSION = 1;

/** What is held decoded at most: 268 million pixels. */
const MAX_PIXELS = 2 ** 28;
const PAGE_BYTES = 2 ** 16;
/** Room behind each area, which the kernel may touch (K3), and the alignment of areas. */
const SLACK_BYTES = 64;
const ENTRY_BYTES = 8;

export type CropKernel = {
  /** Room for an image (RGB, interleaved) that is to become a square: filled by the caller, gone with the next call. */
  image(size: ImageSize, side: number): Buffer;
  /** The square [side, side, 3] of the image that was written last, which is used up. Valid until the next image. */
  crop(placement: Placement): Uint8Array;
};

type Exports = {
  tabulate(
    table: number,
    count: number,
    start: number,
    step: number,
    length: number,
    reversed: 0 | 1,
  ): void;
  bilinear(
    source: number,
    width: number,
    target: number,
    stride: number,
    columnTable: number,
    columns: number,
    rowTable: number,
    rows: number,
    row: number,
  ): void;
  halve(image: number, width: number, height: number, row: number): void;
};

/** The part of the global that is used: Node's types leave it to those of browsers. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Memory: new (size: { readonly initial: number }) => WasmMemory;
  readonly Instance: new (
    module: WasmModule,
    imports: { readonly env: { readonly memory: WasmMemory } },
  ) => { readonly exports: unknown };
};
type WasmModule = { readonly wasmModule: never };
type WasmMemory = {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
};

type Layout = ReturnType<typeof layOut>;

export function createCropKernel(): CropKernel {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(loadModule(), {
    env: { memory },
  });
  const kernel = exports as Exports;
  let layout: Layout = layOut({ width: 1, height: 1 }, 1);
  return {
    image(size, side) {
      layout = layOut(size, side);
      growTo(memory, layout.end, size);
      const { width, height } = size;
      return Buffer.from(memory.buffer, layout.image, width * height * 3);
    },
    crop(placement) {
      const { square, side } = layout;
      const pixels = new Uint8Array(memory.buffer, square, side * side * 3);
      const { target } = placement;
      if (target.width < side || target.height < side) pixels.fill(GRAY_BYTE);
      sample(kernel, layout, placement);
      return pixels;
    },
  };
}

/** Halves, then samples. */
function sample(kernel: Exports, layout: Layout, placement: Placement): void {
  const { source, target, mirror } = placement;
  let { width, height } = layout.size;
  let [stepX, stepY] = [
    source.width / target.width,
    source.height / target.height,
  ];
  let [left, top] = [source.left, source.top];
  while (stepX >= 2 && stepY >= 2) {
    kernel.halve(layout.image, width, height, layout.row);
    [width, height] = [Math.ceil(width / 2), Math.ceil(height / 2)];
    [stepX, stepY, left, top] = [stepX / 2, stepY / 2, left / 2, top / 2];
  }
  const { columns, rows, side } = layout;
  kernel.tabulate(columns, target.width, left, stepX, width, mirror ? 1 : 0);
  kernel.tabulate(rows, target.height, top, stepY, height, 0);
  const column = mirror ? side - target.left - target.width : target.left;
  const start = layout.square + (target.top * side + column) * 3;
  kernel.bilinear(
    layout.image,
    width,
    start,
    side * 3,
    columns,
    target.width,
    rows,
    target.height,
    layout.row,
  );
}

/** Compiled once a thread. */
let compiled: WasmModule | null = null;
function loadModule(): WasmModule {
  compiled ??= new WebAssembly.Module(Buffer.from(CROP_MODULE, "base64"));
  return compiled;
}

/** Addresses of the areas. */
function layOut(size: ImageSize, side: number) {
  const align = (at: number): number =>
    Math.ceil(at / SLACK_BYTES + 1) * SLACK_BYTES;
  const columns = SLACK_BYTES;
  const rows = align(columns + side * ENTRY_BYTES);
  const row = align(rows + side * ENTRY_BYTES);
  const square = align(row + (size.width + 3) * 6);
  const image = align(square + side * side * 3);
  const end = align(image + size.width * size.height * 3);
  return { size, side, columns, rows, row, square, image, end };
}

function growTo(
  memory: WasmMemory,
  bytes: number,
  { width, height }: ImageSize,
): void {
  const missing = bytes - memory.buffer.byteLength;
  if (missing <= 0) return;
  if (width * height <= MAX_PIXELS) {
    memory.grow(Math.ceil(missing / PAGE_BYTES));
    return;
  }
  throw new UserError({
    code: "data.image-too-large",
    message: `an image of ${width} × ${height} pixels is too large to decode; at most ${MAX_PIXELS} pixels are`,
    hint: "shrink the images when they are packed (`shrink` of the shard stage)",
  });
}
