/**
 * CIFAR-10 and CIFAR-100 as their authors publish them, the "binary version" (https://www.cs.toronto.edu/~kriz/cifar.html): files of
 * records, each one or two bytes of labels and 3 x 1024 bytes of a 32 × 32 photograph, red, green and blue planes in turn. CIFAR-100's
 * labels are the fine ones. Class names are in text files beside them. Order: files by number, records as they stand.
 *
 * Which of the two it is follows from the files' names; they may lie in a folder of their own, as the archives have them.
 */
import { createHash } from "node:crypto";
import { UserError } from "../../base/errors.ts";
import type { Split } from "../../spec/params/params-shard.ts";
import type { FileTree, TreeFile } from "../places/file-tree.ts";
import { encodePpm } from "../shards/ppm.ts";
import type { Source, SourceItem, SourceRequest } from "./source.ts";
import { takeSpread } from "./take-spread.ts";

const SIDE = 32;
const PLANE = SIDE * SIDE;
/** Records read at once: 3 MB. */
const RECORDS_AT_ONCE = 1024;

type Edition = {
  readonly names: string;
  readonly classes: number;
  /** Bytes before the pixels; the last of them is the label. */
  readonly labelBytes: number;
  readonly files: Readonly<Partial<Record<Split, readonly string[]>>>;
};

const editions: readonly Edition[] = [
  {
    names: "batches.meta.txt",
    classes: 10,
    labelBytes: 1,
    files: {
      train: [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`),
      test: ["test_batch.bin"],
    },
  },
  {
    names: "fine_label_names.txt",
    classes: 100,
    labelBytes: 2,
    files: { train: ["train.bin"], test: ["test.bin"] },
  },
];

type CifarRecord = SourceItem & {
  readonly file: TreeFile;
  readonly row: number;
};

export async function openCifarBinary(
  tree: FileTree,
  request: SourceRequest,
): Promise<Source> {
  const { edition, namesFile } = findEdition(tree);
  const { classes: count, labelBytes } = edition;
  const classes = await readNames(tree, namesFile, count);
  const all: CifarRecord[] = [];
  for (const file of filesOf(tree, edition, request.split))
    all.push(...(await readLabels(tree, file, { count, labelBytes })));
  const items = takeSpread(all, request.limit);
  return {
    identity: identityOf(items),
    classes,
    items: items.map(({ origin, label }) => ({ origin, label })),
    leftOut: [],
    async read(wanted, visit) {
      const records = wanted.map((index, position) => ({
        ...(items[index] as CifarRecord),
        position,
      }));
      const chunkOf = ({ file, row }: CifarRecord) =>
        `${file.path}#${Math.floor(row / RECORDS_AT_ONCE)}`;
      for (const own of Map.groupBy(records, chunkOf).values())
        await readChunk(tree, own, { labelBytes, visit });
    },
  };
}

/** Reads the stretch of a file that holds these records, which are neighbours, and hands them on. */
async function readChunk(
  tree: FileTree,
  records: readonly (CifarRecord & { readonly position: number })[],
  how: {
    readonly labelBytes: number;
    readonly visit: Parameters<Source["read"]>[1];
  },
): Promise<void> {
  const [{ file } = { file: null }] = records;
  if (!file) return;
  const size = how.labelBytes + 3 * PLANE;
  const rows = records.map(({ row }) => row);
  const first = Math.min(...rows);
  const bytes = await tree.readRange(file, {
    offset: first * size,
    length: (Math.max(...rows) + 1 - first) * size,
  });
  for (const { row, position } of records) {
    const start = (row - first) * size + how.labelBytes;
    const planes = bytes.subarray(start, start + 3 * PLANE);
    const pixels = interleave(planes);
    await how.visit(position, encodePpm({ width: SIDE, height: SIDE, pixels }));
  }
}

/** From planes to RGB pixels. */
function interleave(planes: Uint8Array): Uint8Array {
  return Uint8Array.from(
    { length: 3 * PLANE },
    (_, i) => planes[(i % 3) * PLANE + Math.floor(i / 3)] as number,
  );
}

async function readLabels(
  tree: FileTree,
  file: TreeFile,
  {
    count,
    labelBytes,
  }: { readonly count: number; readonly labelBytes: number },
): Promise<readonly CifarRecord[]> {
  const size = labelBytes + 3 * PLANE;
  const records = file.sizeBytes / size;
  if (!Number.isInteger(records))
    throw malformed(
      tree,
      `'${file.path}' has ${file.sizeBytes} bytes, no multiple of ${size}`,
    );
  const found: CifarRecord[] = [];
  for (let first = 0; first < records; first += RECORDS_AT_ONCE) {
    const rows = Math.min(RECORDS_AT_ONCE, records - first);
    const range = { offset: first * size, length: rows * size };
    const bytes = await tree.readRange(file, range);
    for (let i = 0; i < rows; i++) {
      const label = bytes[i * size + labelBytes - 1] as number;
      const origin = `${file.path}#${first + i}`;
      if (label >= count)
        throw malformed(tree, `${origin} has the label ${label}`);
      found.push({ origin, label, file, row: first + i });
    }
  }
  return found;
}

function findEdition(tree: FileTree): {
  readonly edition: Edition;
  readonly namesFile: TreeFile;
} {
  for (const edition of editions) {
    const namesFile = findFile(tree, edition.names);
    if (namesFile) return { edition, namesFile };
  }
  const names = editions.map((edition) => `'${edition.names}'`).join(" or ");
  throw malformed(tree, `there is no ${names}`);
}

function filesOf(
  tree: FileTree,
  { files }: Edition,
  split: Split,
): readonly TreeFile[] {
  const names = files[split];
  if (!names)
    throw new UserError({
      code: "data.split-missing",
      message: `expected the split train or test of CIFAR, found '${split}'`,
      hint: "CIFAR has 50,000 images in train and 10,000 in test",
    });
  return names.map((name) => {
    const file = findFile(tree, name);
    if (!file) throw malformed(tree, `'${name}' is missing`);
    return file;
  });
}

function findFile(tree: FileTree, name: string): TreeFile | null {
  return (
    tree.files.find(({ path }) => path === name || path.endsWith(`/${name}`)) ??
    null
  );
}

async function readNames(
  tree: FileTree,
  file: TreeFile,
  count: number,
): Promise<readonly string[]> {
  const text = new TextDecoder().decode(await tree.read(file));
  const names = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (names.length === count) return names;
  throw malformed(tree, `'${file.path}' names ${names.length} classes`);
}

/** Files, their sizes and the labels: cheap, and enough to tell two copies apart. */
function identityOf(items: readonly CifarRecord[]): string {
  const hash = createHash("sha256");
  for (const { origin, label, file } of items)
    hash.update(`${origin}\0${label}\0${file.sizeBytes}\n`);
  return `cifar-binary:${hash.digest("hex")}`;
}

function malformed(tree: FileTree, found: string): UserError {
  return new UserError({
    code: "data.source-malformed",
    message: `expected the binary version of CIFAR-10 or CIFAR-100 in '${tree.name}'; ${found}`,
    hint: "unpack cifar-10-binary.tar.gz or cifar-100-binary.tar.gz, and name the folder as the source",
  });
}
