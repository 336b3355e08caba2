/**
 * Places of blocks in one stretch of bytes: first fit, neighbours joined when they are freed. Only numbers: the bytes may
 * be shared memory or a budget on disk.
 *
 * Blocks differ in size, so free bytes may lie scattered; `compact` moves everything to the front, which always helps, and
 * is for when nothing reads or writes.
 */

export type Arena = {
  readonly sizeBytes: number;
  /** Bytes of all places that are taken. */
  readonly usedBytes: number;
  /** A place for so many bytes, or null: there is none now. */
  take(owner: number, length: number): number | null;
  free(owner: number): void;
  /** Moves every place as far to the front as it goes, in order; `move` copies the bytes, which may overlap. */
  compact(
    move: (place: {
      readonly owner: number;
      readonly from: number;
      readonly to: number;
      readonly length: number;
    }) => void,
  ): void;
};

type Place = {
  readonly owner: number;
  readonly start: number;
  readonly length: number;
};

export function createArena(sizeBytes: number): Arena {
  /** Ascending. */
  let places: Place[] = [];
  let usedBytes = 0;
  return {
    sizeBytes,
    get usedBytes() {
      return usedBytes;
    },
    take(owner, length) {
      let start = 0;
      let index = 0;
      for (const place of places) {
        if (place.start - start >= length) break;
        start = place.start + place.length;
        index++;
      }
      if (start + length > sizeBytes) return null;
      places.splice(index, 0, { owner, start, length });
      usedBytes += length;
      return start;
    },
    free(owner) {
      const index = places.findIndex((place) => place.owner === owner);
      const [place] = index < 0 ? [] : places.splice(index, 1);
      if (!place) throw new Error(`block ${owner} has no place in the arena`);
      usedBytes -= place.length;
    },
    compact(move) {
      let to = 0;
      places = places.map(({ owner, start, length }) => {
        if (start !== to) move({ owner, from: start, to, length });
        const place = { owner, start: to, length };
        to += length;
        return place;
      });
    },
  };
}
