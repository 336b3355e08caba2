/** What a sweep does to one key, under the key's claim (S2 to S4 of `sweep.ts`). */
import { readManifest } from "../artifacts/manifest.ts";
import { layout } from "../layout.ts";
import { condemn, finishCondemned, type FoundMark } from "./marks.ts";
import type { KeySweep, SweptPlace } from "./plan-sweep.ts";
import { removeObjects } from "./remove-place.ts";
import type { Sweeping } from "./sweeping.ts";

/** Removes what a plan says of a key, as far as it is still so. */
export async function sweepKey(
  sweeping: Sweeping,
  plan: KeySweep,
  marks: ReadonlyMap<string, FoundMark>,
): Promise<void> {
  const { store } = sweeping;
  const { key } = plan;
  const what = `artifact ${key}`;
  await sweeping.withClaim(key, what, async (held) => {
    if (plan.isUnneeded) {
      const mark = marks.get(key);
      if (mark === undefined || !(await condemn(store, key, mark))) {
        sweeping.skip(what, "a run or a pin needs it after all");
        return;
      }
      await finishCondemned(store, key, () => held.confirm());
    }
    const epoch = (await readManifest(store, key))?.epoch ?? null;
    for (const place of plan.places) {
      if (sweeping.signal.aborted) return;
      if (!(await isStillGarbage(sweeping, plan, place, epoch))) continue;
      await held.confirm();
      const sum = await removeObjects(sweeping, {
        prefix: place.prefix,
        first: [`${place.prefix}manifest.json`],
      });
      if (sum === null) sweeping.skip(what, "it was written to meanwhile");
      else sweeping.removed({ category: place.category, ...sum });
    }
  });
}

/** Between the survey and the claim somebody may have committed, or lost a manifest. */
async function isStillGarbage(
  { store }: Pick<Sweeping, "store">,
  { key, isUnneeded }: KeySweep,
  { category, prefix }: SweptPlace,
  epoch: number | null,
): Promise<boolean> {
  if (category === "artifact" || category === "attempt")
    return epoch === null || prefix !== layout.attempt(key, epoch);
  if (isUnneeded || epoch !== null) return true;
  return (
    category === "unfinished-checkpoint" &&
    (await store.stat(`${prefix}manifest.json`)) === null
  );
}
