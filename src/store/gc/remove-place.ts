/** Removing everything under a prefix, unless something there is young (S4 of `sweep.ts`). */
import { mapBounded } from "../../base/async.ts";
import type { Sweeping } from "./sweeping.ts";

const REMOVES_AT_ONCE = 16;

/**
 * Removes the objects under a prefix: those named by `first` in that order, then all others. Null: something there was
 * written within the grace, and nothing has been removed.
 */
export async function removeObjects(
  { store, cutoffMs }: Pick<Sweeping, "store" | "cutoffMs">,
  place: { readonly prefix: string; readonly first?: readonly string[] },
): Promise<{ readonly objects: number; readonly sizeBytes: number } | null> {
  const paths: string[] = [];
  let sizeBytes = 0;
  for await (const object of store.list(place.prefix)) {
    if (object.modifiedAtMs > cutoffMs) return null;
    paths.push(object.path);
    sizeBytes += object.sizeBytes;
  }
  const first = (place.first ?? []).filter((path) => paths.includes(path));
  for (const path of first) await store.remove(path);
  const rest = paths.filter((path) => !first.includes(path));
  await mapBounded(rest, REMOVES_AT_ONCE, (path) => store.remove(path));
  return { objects: paths.length, sizeBytes };
}
