/** Operations on objects and logs that one client alone writes, each checked against what may be there. */
import { below, hash32 } from "../../../src/base/random.ts";
import type { Store } from "../../../src/store/store.ts";
import { createObjectModel } from "./object-model.ts";
import type { ObjectModel } from "./object-model.ts";
import type { Tally } from "./tally.ts";

/** Several parts of the faulty stores' uploads. */
const largeBytes = 20_000;
const smallBytes = 900;
const appendsPerLog = 60;

export type Client = {
  readonly store: Store;
  readonly seed: number;
  readonly number: number;
  readonly tally: Tally;
};

type Turn = {
  readonly path: string;
  readonly model: ObjectModel;
  readonly bytes: Uint8Array;
  /** A number below `n`; other `word`s, other draws. */
  pick(n: number, word: number): number;
};

type Operation = (client: Client, turn: Turn) => Promise<void>;

/** Writes bytes; what is there afterwards follows from the answer. */
async function write(
  { tally }: Client,
  { model, bytes }: Turn,
  name: string,
  run: () => Promise<void>,
): Promise<void> {
  const done = await tally.attempt(name, run);
  if (done) model.acknowledge(bytes);
  else model.doubt(bytes);
}

const operations: Readonly<Record<string, Operation>> = {
  put: (client, turn) =>
    write(client, turn, "put", () => client.store.put(turn.path, turn.bytes)),

  putStream: (client, turn) =>
    write(client, turn, "putStream", () =>
      client.store.putStream(
        turn.path,
        turn.bytes.byteLength,
        chunksOf(turn.bytes),
      ),
    ),

  async putIfAbsent({ store, tally }, { path, model, bytes }) {
    const mayBeAbsent = model.candidates.includes(null);
    const mayBeThere = model.candidates.some((value) => value !== null);
    const done = await tally.attempt("putIfAbsent", () =>
      store.putIfAbsent(path, bytes),
    );
    if (done === null) {
      if (mayBeAbsent) model.doubt(bytes);
    } else if (done.value === "written") {
      if (!mayBeAbsent) tally.find("an object was written over", path);
      model.acknowledge(bytes);
    } else if (!mayBeThere) tally.find("'exists', of nothing", path);
  },

  async remove({ store, tally }, { path, model }) {
    const done = await tally.attempt("remove", () => store.remove(path));
    if (done) model.acknowledge(null);
    else model.doubt(null);
  },

  async read({ store, tally }, { path, model }) {
    const done = await tally.attempt("read", () => store.read(path));
    if (done) tally.find(model.judge(done.value), path);
  },

  async readRange({ store, tally }, { path, model, pick }) {
    const range = toRange(model, pick);
    if (range === null) return;
    const done = await tally.attempt("read of a range", () =>
      store.read(path, range),
    );
    const cut = (value: Uint8Array): Uint8Array =>
      value.subarray(range.offset, range.offset + range.length);
    if (done) tally.find(model.judge(done.value, cut), path);
  },

  async readInto({ store, tally }, { path, model, pick }) {
    const range = toRange(model, pick);
    if (range === null) return;
    const target = new Uint8Array(new SharedArrayBuffer(range.length));
    const done = await tally.attempt("readInto", () =>
      store.readInto(path, range.offset, target),
    );
    const cut = (value: Uint8Array): Uint8Array =>
      value.subarray(range.offset, range.offset + range.length);
    if (done) tally.find(model.judge(done.value ? target : null, cut), path);
  },

  async stat({ store, tally }, { path, model }) {
    const done = await tally.attempt("stat", () => store.stat(path));
    const isPossible = model.candidates.some(
      (value) => done?.value?.sizeBytes === value?.byteLength,
    );
    if (done && !isPossible) tally.find("a size that it cannot have", path);
  },
};

/** What is done in a folder: a range has no checksum, a removed object may come back by a late request. */
const folders: Readonly<Record<string, readonly string[]>> = {
  plain: ["put", "putStream", "putIfAbsent", "read", "read", "stat"],
  ranged: ["put", "putStream", "readRange", "readInto", "readInto", "stat"],
  removed: ["put", "putStream", "putIfAbsent", "remove", "read", "stat"],
};

export function createOwnObjects(client: Client) {
  const { store, seed, number, tally } = client;
  const models = new Map<string, ObjectModel>();
  let appends = 0;

  function modelOf(path: string): ObjectModel {
    const model = models.get(path) ?? createObjectModel();
    models.set(path, model);
    return model;
  }

  async function append(round: number): Promise<void> {
    const path = `logs/${number}/${Math.floor(appends++ / appendsPerLog)}`;
    const model = modelOf(path);
    const size = appends % 20 === 7 ? 120_000 : 60;
    const line = Buffer.from(`${round} ${"x".repeat(size)}\n`);
    const longer = model.candidates.map((value) =>
      Buffer.concat([value ?? new Uint8Array(), line]),
    );
    const done = await tally.attempt("append", () => store.append(path, line));
    const [first, ...others] = longer;
    if (done && first) model.acknowledge(first);
    else if (first) model.doubt(first);
    for (const other of others) model.doubt(other);
    const read = await tally.attempt("read", () => store.read(path));
    if (read) tally.find(model.judge(read.value), path);
  }

  async function list(): Promise<void> {
    const prefix = `plain/${number}/`;
    const done = await tally.attempt("list", async () => {
      const found = new Set<string>();
      for await (const { path } of store.list(prefix)) found.add(path);
      return found;
    });
    if (done === null) return;
    for (const [path, { candidates }] of models) {
      if (!path.startsWith(prefix)) continue;
      const mayBe = candidates.some((value) =>
        done.value.has(path) ? value !== null : value === null,
      );
      if (!mayBe) tally.find("a listing that is not true", path);
    }
  }

  return {
    async operate(round: number): Promise<void> {
      const pick = (n: number, word: number): number =>
        below(n, seed, number, round, word);
      if (pick(12, 0) === 0) return append(round);
      if (pick(25, 1) === 0) return list();
      const folder = Object.keys(folders)[pick(3, 2)] ?? "";
      const names = folders[folder] ?? [];
      const operation = operations[names[pick(names.length, 3)] ?? ""];
      const path = `${folder}/${number}/${pick(4, 4)}`;
      const most = pick(5, 5) === 0 ? largeBytes : smallBytes;
      const bytes = Uint8Array.from({ length: pick(most, 6) }, (_, i) =>
        hash32(seed, number, round, i),
      );
      await operation?.(client, { path, model: modelOf(path), bytes, pick });
    },

    /** With the faults off: everything is there. */
    async checkAll(): Promise<void> {
      for (const [path, model] of models)
        tally.find(model.judge(await store.read(path)), `in the end, ${path}`);
    },
  };
}

/** Within whatever may be there; null: nothing to read a range of. */
function toRange(model: ObjectModel, pick: Turn["pick"]) {
  const sizes = model.candidates.map((value) => value?.byteLength ?? 0);
  const least = Math.min(...sizes);
  if (least === 0) return null;
  const offset = pick(least, 7);
  return { offset, length: 1 + pick(least - offset, 8) };
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 1_500)
    yield bytes.subarray(at, at + 1_500);
}
