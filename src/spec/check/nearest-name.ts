/** "Did you mean": the valid name nearest to what was written (optimal string alignment distance). */

/** Longer names are not compared: nobody mistypes them, and the work is quadratic. */
const LONGEST = 64;

/** The nearest of `candidates` within about a third of the name's length, or null. The first wins a tie. */
export function nearestName(
  name: string,
  candidates: Iterable<string>,
): string | null {
  const wanted = name.toLowerCase();
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  if (name.length > LONGEST) return null;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < bestDistance && candidate !== name) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** A hint that names the nearest candidate, or lists all if they are few. */
export function suggest(
  name: string,
  candidates: readonly string[],
): string | undefined {
  const nearest = nearestName(name, candidates);
  if (nearest !== null) return didYouMean(nearest);
  if (candidates.length === 0) return undefined;
  const shown = candidates.slice(0, 12).join(", ");
  return `known: ${shown}${candidates.length > 12 ? ", …" : ""}`;
}

export function didYouMean(name: string): string {
  return `did you mean '${name}'?`;
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const differs = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + differs,
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
