/**
 * What may be at a path that one client alone writes. A write that was acknowledged leaves one possibility; one that
 * ended in an error leaves two, since it may have been done, or may be done later by a request that is still on its way.
 * The next acknowledged write ends all doubt: late requests find their condition broken.
 */

export type Value = Uint8Array | null;

export type ObjectModel = {
  /** At least one; null: nothing is there. */
  readonly candidates: readonly Value[];
  acknowledge(value: Value): void;
  /** A write of `value` failed; null: a removal. */
  doubt(value: Value): void;
  /** Null: `found` may be there. Otherwise what is wrong with it, of the part that `cut` takes. */
  judge(found: Value, cut?: (value: Uint8Array) => Uint8Array): string | null;
};

export function createObjectModel(): ObjectModel {
  let candidates: Value[] = [null];
  const before: Value[] = [null];
  return {
    get candidates() {
      return candidates;
    },
    acknowledge(value) {
      before.push(...candidates);
      candidates = [value];
    },
    doubt(value) {
      if (!includes(candidates, value)) candidates.push(value);
    },
    judge(found, cut = (value) => value) {
      const cutAll = (values: readonly Value[]): Value[] =>
        values.map((value) => value && cut(value));
      if (includes(cutAll(candidates), found)) return null;
      return includes(cutAll(before), found)
        ? "an acknowledged write was lost"
        : "bytes that nobody wrote were given out";
    },
  };
}

function includes(values: readonly Value[], wanted: Value): boolean {
  return values.some((value) =>
    value === null || wanted === null
      ? value === wanted
      : Buffer.compare(value, wanted) === 0,
  );
}
