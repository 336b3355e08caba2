/** Sets of indexes as text, `0-5,7`, as the status of an Indexed Job has them (KEP-2214): small whatever the count. */

/** Text → the indexes. Anything that is no range is left out: the server writes it, and `0-5,7` is all it writes. */
export function readRanges(text: string): ReadonlySet<number> {
  const indexes = new Set<number>();
  for (const [, first, last] of text.matchAll(/(\d+)(?:-(\d+))?/g))
    for (let i = Number(first); i <= Number(last ?? first); i++) indexes.add(i);
  return indexes;
}

/** @param indexes in ascending order. */
export function writeRanges(indexes: Iterable<number>): string {
  const ranges: [number, number][] = [];
  for (const index of indexes) {
    const last = ranges.at(-1);
    if (last?.[1] === index - 1) last[1] = index;
    else ranges.push([index, index]);
  }
  return ranges
    .map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`))
    .join(",");
}
