/**
 * Random numbers as arithmetic: every number is a hash of (seed, counters…), so that a draw does not depend on
 * how many draws came before it, on which worker makes it, or on where a run was resumed (invariant H).
 *
 * The mixer is the 32-bit finalizer of MurmurHash3 applied per word; the permutation is a four-round Feistel
 * network with cycle walking (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002): element i of a
 * shuffle of n is computed in O(1), without a table.
 */

function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** An unsigned 32-bit hash of the words, in their order. */
export function hash32(...words: readonly number[]): number {
  let h = 0x9e3779b9;
  for (const word of words)
    h = mix((Math.imul(h, 5) + 0xe6546b64 + mix(word | 0)) | 0);
  return h >>> 0;
}

/** A number in [0, 1) with 32 bits, from the words. */
export function uniform(...words: readonly number[]): number {
  return hash32(...words) / 0x1_0000_0000;
}

/** An integer in [0, n), from the words. The bias is below n / 2^32. */
export function below(n: number, ...words: readonly number[]): number {
  return Math.floor(uniform(...words) * n);
}

/** The number that names a stream of draws in `hash32`; different names give independent streams. */
export function streamOf(name: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < name.length; i++)
    h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** Where element `index` of 0…size-1 goes in the shuffle that `seed` names: a bijection on [0, size). */
export function permute(index: number, size: number, seed: number): number {
  if (!Number.isInteger(index) || index < 0 || index >= size)
    throw new RangeError(`permute: index ${index} is outside 0…${size - 1}`);
  if (size === 1) return 0;
  const half = Math.ceil(Math.log2(size) / 2) || 1;
  const mask = 2 ** half - 1;
  let at = index;
  do {
    let left = Math.floor(at / 2 ** half);
    let right = at % 2 ** half;
    for (let round = 0; round < 4; round++) {
      const next = (left ^ (hash32(seed, round, right) & mask)) >>> 0;
      left = right;
      right = next;
    }
    at = left * 2 ** half + right;
  } while (at >= size);
  return at;
}
