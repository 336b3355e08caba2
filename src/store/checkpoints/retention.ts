/**
 * Which checkpoints stay. While a task is worked on: the last ones, every k-th, and the best by a metric. Once it is
 * committed its result stands in for the last ones; every k-th and the best stay as long as the artifact.
 */
import type { KeepSpec } from "../../plan/plan.ts";
import { layout } from "../layout.ts";
import type { Store } from "../store.ts";
import {
  listPlaces,
  readCheckpointManifest,
  removePlace,
  type Place,
} from "./places.ts";

export type RatedPlace = Place & {
  readonly metrics: Readonly<Record<string, number>>;
};

/** Whether the checkpoint of this step is one that has to be there later. */
export function isKeptForLater(keep: KeepSpec, step: number): boolean {
  return isKeptForGood(keep, step) || keep.steps?.includes(step) === true;
}

/** Whether a checkpoint of this step stays for good, whatever comes after it. */
function isKeptForGood(keep: KeepSpec, step: number): boolean {
  return keep.everySteps !== null && step % keep.everySteps === 0;
}

/** Those to keep, of sound checkpoints in the order newest first. Pure. */
export function selectKept(
  places: readonly RatedPlace[],
  keep: KeepSpec,
): readonly RatedPlace[] {
  const last = new Set(places.slice(0, keep.last));
  const good = new Set(selectForGood(places, keep));
  return places.filter(
    (place) =>
      last.has(place) || good.has(place) || keep.steps?.includes(place.step),
  );
}

/** Those that outlive their training. Pure. */
export function selectForGood(
  places: readonly RatedPlace[],
  keep: KeepSpec,
): readonly RatedPlace[] {
  // Two attempts may have written the same step; the newer attempt's stands first.
  const everyKth = places.filter(
    ({ step }, index) =>
      isKeptForGood(keep, step) &&
      places.findIndex((other) => other.step === step) === index,
  );
  const best = selectBest(places, keep.best);
  return best === null || everyKth.includes(best)
    ? everyKth
    : [...everyKth, best];
}

/** The best value; of equal ones the one that was reached first. */
function selectBest(
  places: readonly RatedPlace[],
  best: KeepSpec["best"],
): RatedPlace | null {
  if (best === null) return null;
  const sign = best.mode === "min" ? 1 : -1;
  const rated = places.flatMap((place) => {
    const value = place.metrics[best.metric];
    return value === undefined ? [] : [{ place, value: sign * value }];
  });
  rated.sort((a, b) => a.value - b.value || a.place.step - b.place.step);
  return rated[0]?.place ?? null;
}

/** The prefixes of those that stay with a committed task's artifact. What cannot be read is kept by nothing. */
export async function findKeptForGood(
  store: Store,
  key: string,
): Promise<ReadonlySet<string>> {
  const rated: RatedPlace[] = [];
  let keep: KeepSpec | null = null;
  for (const place of await listPlaces(store, key)) {
    const manifest = await readCheckpointManifest(store, place);
    if (manifest === null) continue;
    keep ??= manifest.keep;
    rated.push({ ...place, metrics: manifest.metrics });
  }
  if (keep === null) return new Set();
  return new Set(selectForGood(rated, keep).map(({ prefix }) => prefix));
}

/** Removes what a committed task's checkpoints no longer need, of every attempt, also what was cut off. */
export async function removeCheckpoints(
  store: Store,
  key: string,
): Promise<void> {
  const kept = await findKeptForGood(store, key);
  for (const place of await listPlaces(store, key))
    if (!kept.has(place.prefix)) await removePlace(store, place);
  // What was cut off before its manifest, and what lies there for other reasons.
  for await (const { path } of store.list(layout.checkpoints(key)))
    if (!kept.has(path.slice(0, path.lastIndexOf("/") + 1)))
      await store.remove(path);
}
