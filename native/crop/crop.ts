/**
 * The inner loops of the data path, in AssemblyScript: one decoded image becomes one square of a batch. Compiled by
 * `scripts/generate-kernel.ts` to WebAssembly with 128-bit SIMD and kept as `src/data/crops/crop-module.ts`.
 *
 * All images are 8-bit RGB without gaps between rows. The caller lays out the memory; nothing is allocated or checked here.
 *
 * K1 Integer arithmetic after the positions: 8-bit weights down, then across, one rounding. A plain TypeScript function
 *    (`test/support/crop-oracle.ts`) gives the same bytes, and is the definition.
 * K2 Pixel centres lie at half pixels, positions beyond the image are those of its edge, as OpenCV's INTER_LINEAR has it.
 * K3 Up to 16 bytes behind an image and a row buffer may be read; nothing behind a square is written.
 */

/** One axis of the square: 8 bytes a pixel, the lower source pixel (i32) and two 16-bit weights that add up to 256. */
const ENTRY: i32 = 8;

/**
 * Writes the table of `count` pixels whose source starts at `start` and that are `step` source pixels apart.
 * `reversed`: the last one first.
 */
export function tabulate(
  table: usize,
  count: i32,
  start: f64,
  step: f64,
  length: i32,
  reversed: i32,
): void {
  for (let i = 0; i < count; i++) {
    const place = reversed ? count - 1 - i : i;
    let at = start + (<f64>place + 0.5) * step - 0.5;
    at = max(0.0, min(at, <f64>(length - 1)));
    const lower = max(0, min(<i32>floor(at), length - 2));
    const weight = <i32>floor((at - <f64>lower) * 256.0 + 0.5);
    store<i32>(table + i * ENTRY, lower);
    store<i32>(table + i * ENTRY, (256 - weight) | (weight << 16), 4);
  }
}

/**
 * Samples `columns` × `rows` pixels, whose source positions the two tables say, from an image `width` pixels wide, and
 * writes them from `target` on into rows that are `stride` bytes apart. `row` is room for `width` + 3 pixels of 16 bits.
 */
export function bilinear(
  source: usize,
  width: i32,
  target: usize,
  stride: i32,
  columnTable: usize,
  columns: i32,
  rowTable: usize,
  rows: i32,
  row: usize,
): void {
  const last = columnTable + (columns - 1) * ENTRY;
  const first = min(load<i32>(columnTable), load<i32>(last));
  const end = min(width, max(load<i32>(columnTable), load<i32>(last)) + 2);
  // Only the columns that are needed; they go where they would be in a whole row.
  const from = first * 3;
  const bytes = (end - first) * 3;
  for (let y = 0; y < rows; y++) {
    const upper = source + load<i32>(rowTable + y * ENTRY) * width * 3 + from;
    const weights = load<i32>(rowTable + y * ENTRY, 4);
    blendRows(upper, width * 3, weights, row + from * 2, bytes);
    sampleRow(row, columnTable, columns, target + y * stride);
  }
}

/**
 * What the row of 16 bits is moved by: 2^15 down, so that it fits a signed multiplication, and 2^7 up, which the weights
 * across make 2^15, the half that rounds.
 */
const BIAS: i16 = -0x7f80;

/** Two rows into one of 16 bits, moved by `BIAS`. */
function blendRows(
  upper: usize,
  stride: i32,
  weights: i32,
  row: usize,
  bytes: i32,
): void {
  const w0 = i16x8.splat(<i16>(weights & 0xffff));
  const w1 = i16x8.splat(<i16>(weights >> 16));
  const bias = i16x8.splat(BIAS);
  // An image of one row has no lower one; its weight is 0 then.
  const lower = weights >> 16 ? upper + stride : upper;
  for (let i = 0; i < bytes; i += 16) {
    const a = v128.load(upper + i);
    const b = v128.load(lower + i);
    const low = i16x8.add(
      i16x8.mul(i16x8.extend_low_i8x16_u(a), w0),
      i16x8.mul(i16x8.extend_low_i8x16_u(b), w1),
    );
    const high = i16x8.add(
      i16x8.mul(i16x8.extend_high_i8x16_u(a), w0),
      i16x8.mul(i16x8.extend_high_i8x16_u(b), w1),
    );
    v128.store(row + i * 2, i16x8.add(low, bias));
    v128.store(row + i * 2, i16x8.add(high, bias), 16);
  }
}

/** Four pixels at a time; what stands behind the last one is left alone. */
function sampleRow(
  row: usize,
  table: usize,
  columns: i32,
  target: usize,
): void {
  const end = table + columns * ENTRY;
  for (; table + 3 * ENTRY < end; table += 4 * ENTRY) {
    const left = i16x8.narrow_i32x4_s(
      samplePixel(row, table),
      samplePixel(row, table + ENTRY),
    );
    const right = i16x8.narrow_i32x4_s(
      samplePixel(row, table + 2 * ENTRY),
      samplePixel(row, table + 3 * ENTRY),
    );
    const pixels = toLevels(i8x16.narrow_i16x8_s(left, right));
    v128.store_lane<i64>(target, pixels, 0);
    v128.store_lane<i32>(target, pixels, 2, 8);
    target += 12;
  }
  for (; table < end; table += ENTRY) {
    const words = samplePixel(row, table);
    const narrow = i16x8.narrow_i32x4_s(words, words);
    const pixel = toLevels(i8x16.narrow_i16x8_s(narrow, narrow));
    v128.store_lane<i16>(target, pixel, 0);
    v128.store_lane<i8>(target, pixel, 2, 2);
    target += 3;
  }
}

/** R, G and B as 32-bit numbers, each 128 too low; then one of no meaning. */
function samplePixel(row: usize, table: usize): v128 {
  const at = row + load<i32>(table) * 6;
  const pairs = v128.shuffle<i16>(
    v128.load(at),
    v128.load(at, 6),
    0,
    8,
    1,
    9,
    2,
    10,
    3,
    11,
  );
  const weights = v128.load_splat<i32>(table, 4);
  return i32x4.shr_s(i32x4.dot_i16x8_s(pairs, weights), 16);
}

/** Raises levels that are 128 too low, and drops every fourth: 12 bytes for 16. */
function toLevels(pixels: v128): v128 {
  const levels = v128.xor(pixels, i8x16.splat(-0x80));
  return v128.shuffle<i8>(
    levels,
    levels,
    0,
    1,
    2,
    4,
    5,
    6,
    8,
    9,
    10,
    12,
    13,
    14,
    3,
    7,
    11,
    15,
  );
}

/**
 * Halves an image in its place: each pixel becomes the mean of a block of 2 × 2, rounded to the nearest, a half up. An odd
 * last column or row counts twice.
 */
export function halve(image: usize, width: i32, height: i32, row: usize): void {
  const stride = width * 3;
  const columns = (width + 1) >> 1;
  let target = image;
  for (let y = 0; y < height; y += 2) {
    const upper = image + y * stride;
    const lower = y + 1 < height ? upper + stride : upper;
    addRows(upper, lower, row, stride);
    const tail = row + stride * 2;
    store<i32>(tail, load<i32>(tail - 6));
    store<i16>(tail, load<i16>(tail - 2), 4);
    halveRow(row, columns, target);
    target += columns * 3;
  }
}

function addRows(upper: usize, lower: usize, row: usize, bytes: i32): void {
  for (let i = 0; i < bytes; i += 16) {
    const a = v128.load(upper + i);
    const b = v128.load(lower + i);
    v128.store(
      row + i * 2,
      i16x8.add(i16x8.extend_low_i8x16_u(a), i16x8.extend_low_i8x16_u(b)),
    );
    v128.store(
      row + i * 2,
      i16x8.add(i16x8.extend_high_i8x16_u(a), i16x8.extend_high_i8x16_u(b)),
      16,
    );
  }
}

function halveRow(row: usize, columns: i32, target: usize): void {
  const two = i16x8.splat(2);
  for (let x = 0; x < columns; x++) {
    const at = row + x * 12;
    const sum = i16x8.add(v128.load(at), v128.load(at, 6));
    const means = i16x8.shr_u(i16x8.add(sum, two), 2);
    store<i32>(
      target + x * 3,
      i32x4.extract_lane(i8x16.narrow_i16x8_u(means, means), 0),
    );
  }
}
