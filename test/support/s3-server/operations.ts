/**
 * Each operation of the store once, in a folder that holds what it needs, with what it must answer and leave behind:
 * for tests that disturb single requests of it.
 */
import type { Store } from "../../../src/store/store.ts";

export type StoreOperation = {
  readonly name: string;
  prepare(place: Place): Promise<unknown>;
  /** What is returned is the same however the requests fared. */
  run(place: Place): Promise<unknown>;
  /** By another client, undisturbed: what is there now. */
  after(place: Place): Promise<unknown>;
  /** Its bytes carry no checksum in S3: damage on the way is TLS's to find. */
  readonly isRange?: true;
};

/** A store, and a folder of it that nobody else uses; ends in `/`. */
export type Place = { readonly store: Store; readonly folder: string };

const bytes = Uint8Array.from({ length: 2_000 }, (_, i) => i * 7);
const newer = Uint8Array.from({ length: 1_500 }, (_, i) => i * 11 + 1);
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const nothing = async (): Promise<null> => null;

async function* chunks(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < newer.byteLength; at += 400)
    yield newer.subarray(at, at + 400);
}

const read = ({ store, folder }: Place) => store.read(`${folder}o`);
const put = ({ store, folder }: Place) => store.put(`${folder}o`, bytes);
const replace = ({ store, folder }: Place) => store.put(`${folder}o`, newer);
const putIfAbsent = ({ store, folder }: Place) =>
  store.putIfAbsent(`${folder}o`, newer);
const stat = async ({ store, folder }: Place) =>
  (await store.stat(`${folder}o`))?.sizeBytes;
const append =
  (line: string) =>
  ({ store, folder }: Place) =>
    store.append(`${folder}o`, text(line));

const readRecord = async ({ store, folder }: Place) =>
  (await store.readRecord(`${folder}r`))?.bytes;
const putRecord = ({ store, folder }: Place) =>
  store.swap(`${folder}r`, text("1"), null);
async function swap({ store, folder }: Place): Promise<unknown> {
  const found = await store.readRecord(`${folder}r`);
  const etag = found?.etag ?? null;
  return (await store.swap(`${folder}r`, text("2"), etag)).kind;
}

async function makeNames({ store, folder }: Place): Promise<void> {
  for (const name of ["a", "b/c", "d", "e/f/g"])
    await store.put(folder + name, text(name));
}
async function list({ store, folder }: Place): Promise<unknown> {
  const found: string[] = [];
  for await (const { path, sizeBytes } of store.list(folder))
    found.push(`${path.slice(folder.length)} ${sizeBytes}`);
  return found;
}

async function readInto({ store, folder }: Place): Promise<unknown> {
  const target = new Uint8Array(new SharedArrayBuffer(1_200));
  const isThere = await store.readInto(`${folder}o`, 100, target);
  return [isThere, Array.from(target)];
}

export const storeOperations: readonly StoreOperation[] = [
  { name: "stat", prepare: put, run: stat, after: nothing },
  { name: "read", prepare: put, run: read, after: nothing },
  { name: "read of nothing", prepare: nothing, run: read, after: nothing },
  {
    name: "read of a range",
    prepare: put,
    run: ({ store, folder }) =>
      store.read(`${folder}o`, { offset: 100, length: 900 }),
    after: nothing,
    isRange: true,
  },
  {
    name: "readInto",
    prepare: put,
    run: readInto,
    after: nothing,
    isRange: true,
  },
  { name: "list", prepare: makeNames, run: list, after: nothing },
  {
    name: "listFolders",
    prepare: makeNames,
    run: ({ store, folder }) => store.listFolders(folder),
    after: nothing,
  },
  { name: "put", prepare: nothing, run: replace, after: read },
  { name: "put over another", prepare: put, run: replace, after: read },
  { name: "putIfAbsent", prepare: nothing, run: putIfAbsent, after: read },
  {
    name: "putIfAbsent over another",
    prepare: put,
    run: putIfAbsent,
    after: read,
  },
  {
    name: "putStream in parts",
    prepare: nothing,
    run: ({ store, folder }) =>
      store.putStream(`${folder}o`, newer.byteLength, chunks()),
    after: read,
  },
  {
    name: "append to nothing",
    prepare: nothing,
    run: append("line\n"),
    after: read,
  },
  {
    name: "append to a log",
    prepare: append("first\n"),
    run: append("second\n"),
    after: read,
  },
  {
    name: "readRecord",
    prepare: putRecord,
    run: readRecord,
    after: nothing,
  },
  { name: "swap", prepare: putRecord, run: swap, after: readRecord },
  { name: "swap of nothing", prepare: nothing, run: swap, after: readRecord },
  {
    name: "remove",
    prepare: put,
    run: ({ store, folder }) => store.remove(`${folder}o`),
    after: stat,
  },
];
