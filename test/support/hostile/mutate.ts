/** Objects of a store as an enemy, or a bad disk, would leave them: damaged bytes, and sound JSON of the wrong shape. */
import { below } from "../../../src/base/random.ts";

/** A number below `n`; other `word`s, other draws. */
export type Pick = (n: number, word: number) => number;

export function createPick(...seed: readonly number[]): Pick {
  return (n, word) => below(n, ...seed, word);
}

/** Bytes that were flipped, cut off, cut out, repeated, written over or blown up. */
export function mutateBytes(bytes: Uint8Array, pick: Pick): Uint8Array {
  const at = pick(bytes.byteLength + 1, 10);
  const to = at + pick(Math.min(64, bytes.byteLength - at) + 1, 11);
  const before = bytes.subarray(0, at);
  const after = bytes.subarray(to);
  switch (pick(7, 12)) {
    case 0:
      return before;
    case 1:
      return Buffer.concat([before, after]);
    case 2:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([before, Buffer.alloc(to - at), after]);
    case 4:
      return Buffer.concat([before, Buffer.alloc(50_000, 0x5b), after]);
    case 5:
      return Buffer.from([...before, pick(256, 13), ...after]);
    default: {
      const flipped = Buffer.from(bytes);
      for (let i = 0; i <= pick(8, 14); i++) {
        const place = pick(flipped.byteLength || 1, 15 + i);
        flipped[place] = (flipped[place] ?? 0) ^ (1 << pick(8, 30 + i));
      }
      return flipped;
    }
  }
}

type Json =
  | null
  | boolean
  | number
  | string
  | Json[]
  | {
      [name: string]: Json;
    };

/** Stands for a deep nesting, which is made in the text: a stack is too small for it. */
const tower = "a tower of arrays";
const towerText = `${"[".repeat(5_000)}${"]".repeat(5_000)}`;

/** What stands where something else was expected. */
const strangers: readonly ((old: Json) => Json)[] = [
  () => null,
  () => true,
  () => -1,
  () => 1e308,
  () => 0.5,
  () => Number.MAX_SAFE_INTEGER,
  () => "",
  () => "../../../etc/passwd",
  () => "/etc/passwd",
  () => "a\u0000b\r\n\u001b[31m",
  () => "x".repeat(100_000),
  () => "-1",
  () => [],
  () => ({}),
  () => [null],
  () => tower,
  () => Array.from({ length: 20_000 }, () => 0),
  () => JSON.parse('{"__proto__":{"length":1},"constructor":1}') as Json,
  (old) => [old],
  (old) => ({ old }),
  (old) => (Array.isArray(old) ? [...old, ...old] : JSON.stringify(old)),
  (old) => (typeof old === "number" ? -old : old),
  (old) => (typeof old === "string" ? `${old}x` : old),
];

/** JSON text with one or two of its values replaced, removed or renamed; null: it is not JSON. */
export function mutateJson(text: string, pick: Pick): string | null {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return null;
  }
  const root: Json = { value };
  for (let i = 0; i <= pick(2, 50); i++) mutateOnce(root, pick, 60 + 10 * i);
  const spoiled = JSON.stringify(root["value"] ?? null);
  return spoiled.replaceAll(JSON.stringify(tower), towerText);
}

function mutateOnce(root: Json, pick: Pick, word: number): void {
  const places = placesOf(root);
  const place = places[pick(places.length, word)];
  if (!place) return;
  const { parent, name, old } = place;
  const stranger = strangers[pick(strangers.length, word + 1)];
  switch (pick(6, word + 2)) {
    case 0:
      if (Array.isArray(parent)) parent.splice(Number(name), 1);
      else delete parent[name];
      return;
    case 1:
      if (!Array.isArray(parent)) parent[`${name}x`] = old;
      return;
    default:
      Object.assign(parent, { [name]: stranger?.(old) ?? null });
  }
}

type Place = {
  readonly parent: Json[] | { [name: string]: Json };
  readonly name: string;
  readonly old: Json;
};

/** Not by recursion: what is deep would be slow. */
function placesOf(root: Json): Place[] {
  const places: Place[] = [];
  const open: Json[] = [root];
  for (let parent = open.pop(); parent !== undefined; parent = open.pop()) {
    if (parent === null || typeof parent !== "object") continue;
    for (const [name, old] of Object.entries(parent)) {
      places.push({ parent, name, old });
      open.push(old);
    }
  }
  return places;
}
