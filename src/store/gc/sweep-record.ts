/**
 * `gc/sweep.json`: the one record by which those who use artifacts and the one who removes them see each other.
 *
 * Both write it by compare-and-swap, so their writes have one order, whatever listings show and when:
 * - a user first writes its plan or pin and then announces it here;
 * - a sweep first says here that it is under way and marks what it would remove, and then reads the announcements.
 * So either the sweep sees the announcement, or the announcement finds a sweep under way, and whoever announced looks
 * at the marks of what it uses (`keep-artifacts.ts`).
 *
 * An announcement is needed only until listings show what it announces; it is dropped after an hour.
 */
import { z } from "zod";
import { toJsonBytes } from "../json.ts";
import { layout } from "../layout.ts";
import type { Store } from "../store.ts";
import { readGcRecord } from "./read-record.ts";

const ANNOUNCED_FOR_MS = 3_600_000;

const announcementSchema = z.object({
  what: z.enum(["run", "pin"]),
  name: z.string(),
  atMs: z.number(),
});
const sweepSchema = z.object({
  version: z.literal(1),
  /** Since when there may be marks; null: there are none. */
  sweepingSinceMs: z.number().nullable(),
  announced: z.array(announcementSchema),
});

export type Announcement = Readonly<z.output<typeof announcementSchema>>;
type SweepRecord = z.output<typeof sweepSchema>;

/** Says that a run or a pin is there. True: a sweep is under way, and marks must be looked at. */
export async function announce(
  store: Store,
  announcement: Announcement,
): Promise<boolean> {
  const { what, name, atMs } = announcement;
  const { sweepingSinceMs } = await change(store, (record) => ({
    ...record,
    announced: [
      ...record.announced.filter(
        (other) =>
          !(other.what === what && other.name === name) &&
          atMs - other.atMs < ANNOUNCED_FOR_MS,
      ),
      announcement,
    ],
  }));
  return sweepingSinceMs !== null;
}

/** Says that artifacts are about to be marked. One sweep at a time: the caller holds the claim `gc`. */
export async function beginSweep(store: Store, nowMs: number): Promise<void> {
  await change(store, (record) => ({ ...record, sweepingSinceMs: nowMs }));
}

/** Says that no marks are left. */
export async function endSweep(store: Store): Promise<void> {
  await change(store, (record) => ({ ...record, sweepingSinceMs: null }));
}

/** Who has announced a run or pin within the last hour. */
export async function readAnnouncements(
  store: Store,
): Promise<readonly Announcement[]> {
  const found = await readGcRecord(store, layout.sweep, sweepSchema);
  return found?.value.announced ?? [];
}

async function change(
  store: Store,
  toNext: (record: SweepRecord) => SweepRecord,
): Promise<SweepRecord> {
  for (;;) {
    const found = await readGcRecord(store, layout.sweep, sweepSchema);
    const next = toNext(
      found?.value ?? { version: 1, sweepingSinceMs: null, announced: [] },
    );
    const bytes = toJsonBytes(next);
    const outcome = await store.swap(layout.sweep, bytes, found?.etag ?? null);
    if (outcome.kind === "written") return next;
  }
}
