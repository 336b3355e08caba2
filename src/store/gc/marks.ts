/**
 * The mark of a key: a record that says what is about to happen to its artifact, changed by compare-and-swap alone.
 *
 *   none → marked      a sweep would remove it, and has yet to look who uses it
 *   marked → spared    somebody uses it: this sweep leaves it alone
 *   marked → condemned decided: whatever the manifest says, this artifact is gone for everybody
 *   condemned → none   its manifest has been removed
 *   spared → marked    by a later sweep
 *
 * Users spare, the sweep condemns, and the swap lets one of the two through. Only who holds the claim on the key takes
 * it from `condemned` on, so a manifest is never removed under those who compute the artifact anew.
 */
import { z } from "zod";
import { toJsonBytes } from "../json.ts";
import { layout } from "../layout.ts";
import { readManifest } from "../artifacts/manifest.ts";
import type { Store } from "../store.ts";
import { readGcRecord } from "./read-record.ts";

const markSchema = z.object({
  version: z.literal(1),
  state: z.enum(["marked", "spared", "condemned"]),
  /** Claim epoch of the manifest that it is about; null: there was none. */
  epoch: z.int().nullable(),
  atMs: z.number(),
});

type Mark = Readonly<z.output<typeof markSchema>>;
export type FoundMark = { readonly value: Mark; readonly etag: string };

/** The mark of a key; null: nothing is about to happen. */
export function readMark(store: Store, key: string): Promise<FoundMark | null> {
  return readGcRecord(store, layout.mark(key), markSchema);
}

/** Marks a key. Returns the mark, by which it can be condemned; null: somebody else is at it. */
export function markKey(
  store: Store,
  key: string,
  about: { readonly epoch: number | null; readonly nowMs: number },
): Promise<FoundMark | null> {
  const { epoch, nowMs } = about;
  return readMark(store, key).then((before) =>
    before?.value.state === "condemned"
      ? null
      : write(store, key, before, {
          version: 1,
          state: "marked",
          epoch,
          atMs: nowMs,
        }),
  );
}

/** The swap that decides. False: it was spared meanwhile. */
export async function condemn(
  store: Store,
  key: string,
  mark: FoundMark,
): Promise<boolean> {
  return (await change(store, key, mark, "condemned")) !== null;
}

/** The swap that saves. False: the mark has changed, look again. */
export async function spare(
  store: Store,
  key: string,
  mark: FoundMark,
): Promise<boolean> {
  return (await change(store, key, mark, "spared")) !== null;
}

/**
 * Ends what `condemn` began: the manifest goes, then the mark. The caller holds the claim on the key, and `confirm`
 * throws if it has lost it. A manifest of another epoch is an artifact that was computed since: it stays.
 */
export async function finishCondemned(
  store: Store,
  key: string,
  confirm: () => Promise<void>,
): Promise<void> {
  const mark = await readMark(store, key);
  if (mark?.value.state !== "condemned") return;
  const manifest = await readManifest(store, key);
  await confirm();
  if (manifest?.epoch === mark.value.epoch)
    await store.remove(layout.manifest(key));
  await store.remove(layout.mark(key));
}

function change(
  store: Store,
  key: string,
  mark: FoundMark,
  state: Mark["state"],
): Promise<FoundMark | null> {
  return write(store, key, mark, { ...mark.value, state });
}

async function write(
  store: Store,
  key: string,
  before: FoundMark | null,
  value: Mark,
): Promise<FoundMark | null> {
  const bytes = toJsonBytes(value);
  const expected = before?.etag ?? null;
  const outcome = await store.swap(layout.mark(key), bytes, expected);
  return outcome.kind === "written" ? { value, etag: outcome.etag } : null;
}
