/** The marks of one sweep: set on what nobody seems to need, kept only where a fresh look agrees (S3 of `sweep.ts`). */
import { mapBounded } from "../../base/async.ts";
import { UserError } from "../../base/errors.ts";
import { readManifest } from "../artifacts/manifest.ts";
import { layout } from "../layout.ts";
import { finishCondemned, markKey, readMark, type FoundMark } from "./marks.ts";
import { readNeededKeys } from "./needed-keys.ts";
import type { KeySweep } from "./plan-sweep.ts";
import type { RunSurvey } from "./survey.ts";
import type { Sweeping } from "./sweeping.ts";

const WRITES_AT_ONCE = 16;

/** Marks, then looks again. Returns the marks of the keys that still nobody needs. */
export async function markUnneeded(
  sweeping: Sweeping,
  keys: readonly KeySweep[],
  known: readonly RunSurvey[],
): Promise<ReadonlyMap<string, FoundMark>> {
  const unneeded = keys.filter(({ isUnneeded }) => isUnneeded);
  const marks = new Map<string, FoundMark>();
  await mapBounded(unneeded, WRITES_AT_ONCE, async ({ key }) => {
    if (sweeping.signal.aborted) return;
    const mark = await markOne(sweeping, key);
    if (mark !== null) marks.set(key, mark);
  });
  if (marks.size === 0) return marks;
  const needed = await readNeededKeys(sweeping.store, known);
  for (const key of needed) marks.delete(key);
  return marks;
}

async function markOne(
  sweeping: Sweeping,
  key: string,
): Promise<FoundMark | null> {
  const { store, clock } = sweeping;
  try {
    const epoch = (await readManifest(store, key))?.epoch ?? null;
    return await markKey(store, key, { epoch, nowMs: clock.now() });
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    sweeping.skip(`artifact ${key}`, thrown.message);
    return null;
  }
}

/** Ends what an interrupted sweep has condemned (S5). */
export async function finishEarlier(sweeping: Sweeping): Promise<void> {
  const { store } = sweeping;
  for (const key of await listMarks(sweeping)) {
    if (sweeping.signal.aborted) return;
    if ((await readMark(store, key))?.value.state !== "condemned") continue;
    await sweeping.withClaim(key, `artifact ${key}`, (held) =>
      finishCondemned(store, key, () => held.confirm()),
    );
  }
}

/** Removes the marks that decide nothing any more. False: something condemned is left. */
export async function clearMarks(
  sweeping: Sweeping,
  ours: Iterable<string>,
): Promise<boolean> {
  const { store } = sweeping;
  let isClear = true;
  for (const key of new Set([...(await listMarks(sweeping)), ...ours])) {
    const mark = await readMark(store, key);
    if (mark?.value.state === "condemned") isClear = false;
    else await store.remove(layout.mark(key));
  }
  return isClear;
}

async function listMarks({
  store,
}: Pick<Sweeping, "store">): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { path } of store.list("gc/marks/"))
    keys.push(path.slice("gc/marks/".length, -".json".length));
  return keys;
}
