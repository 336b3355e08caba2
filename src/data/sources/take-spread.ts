/**
 * The images that a `limit` takes: as many of each class as there can be, spread evenly over the class's own order, so
 * that a small set has every class and not only the first.
 */
import type { SourceItem } from "./source.ts";

/** `limit` of the items, or all, in their order. */
export function takeSpread<T extends Pick<SourceItem, "label">>(
  items: readonly T[],
  limit: number | null,
): readonly T[] {
  if (limit === null || limit >= items.length) return items;
  const classes = new Map<number, number[]>();
  for (const [i, { label }] of items.entries()) {
    const own = classes.get(label);
    if (own) own.push(i);
    else classes.set(label, [i]);
  }
  const sizes = [...classes.values()].map(({ length }) => length);
  const quotas = shareOut(limit, sizes);
  const taken = [...classes.values()].flatMap((own, k) => {
    const quota = quotas[k] as number;
    return Array.from(
      { length: quota },
      (_, j) => own[Math.floor((j * own.length) / quota)] as number,
    );
  });
  return taken.sort((a, b) => a - b).map((i) => items[i] as T);
}

/** Shares that differ by at most one, but for those whose size is smaller; the first get the rest. */
function shareOut(total: number, sizes: readonly number[]): number[] {
  const shares = sizes.map(() => 0);
  const order = [...sizes.keys()].sort(
    (a, b) => (sizes[a] as number) - (sizes[b] as number) || b - a,
  );
  let left = total;
  for (const [done, k] of order.entries()) {
    const share = Math.floor(left / (order.length - done));
    shares[k] = Math.min(share, sizes[k] as number);
    left -= shares[k];
  }
  return shares;
}
