/**
 * A process that works on a file store until it is killed, and says on stdout what was acknowledged:
 *   node store-process.ts count <folder>   counts a record up; one line per step
 *   node store-process.ts put <folder>     replaces one object by others of other sizes, each of one repeated byte
 *   node store-process.ts commit <folder> <first>   putIfAbsent of numbered objects; `<number> <outcome>`
 */
import { writeSync } from "node:fs";
import { createFileStore } from "../../src/store/fs.ts";
import type { Store } from "../../src/store/store.ts";

/** Synchronous, so that what was acknowledged is said before anything else begins. */
const say = (line: string): void => void writeSync(1, `${line}\n`);

async function count(store: Store): Promise<never> {
  for (;;) {
    const read = await store.readRecord("claims/count.json");
    const value = read ? Number(Buffer.from(read.bytes).toString()) : 0;
    const outcome = await store.swap(
      "claims/count.json",
      Buffer.from(String(value + 1)),
      read?.etag ?? null,
    );
    if (outcome.kind === "written") say(String(value + 1));
  }
}

/** Byte i of an object of n bytes is n modulo 251. */
async function put(store: Store): Promise<never> {
  for (let round = 0; ; round++) {
    const sizeBytes = 1 + ((round * 7919) % 300_000);
    const bytes = Buffer.alloc(sizeBytes, sizeBytes % 251);
    if (round % 2 === 0) await store.put("runs/r/status.json", bytes);
    else await store.putStream("runs/r/status.json", sizeBytes, halves(bytes));
    say(String(sizeBytes));
  }
}

async function* halves(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, bytes.byteLength >> 1);
  yield bytes.subarray(bytes.byteLength >> 1);
}

async function commit(store: Store, first: number): Promise<never> {
  for (let number = first; ; number++) {
    const bytes = Buffer.from(`${process.pid}`.padEnd(5000));
    const path = `cas/${number}/manifest.json`;
    say(`${number} ${await store.putIfAbsent(path, bytes)}`);
  }
}

const [mode = "", directory = "", first = "0"] = process.argv.slice(2);
const store = createFileStore({ directory });
if (mode === "count") await count(store);
if (mode === "put") await put(store);
if (mode === "commit") await commit(store, Number(first));
