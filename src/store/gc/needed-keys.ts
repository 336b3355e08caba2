/**
 * What is needed right now: the keys of every run and pin that is there, by listing and by announcement, so that a
 * listing which lags behind hides none that was announced. Plans do not change under a run's id, so each is read once.
 */
import { mapBounded } from "../../base/async.ts";
import { layout } from "../layout.ts";
import type { Store } from "../store.ts";
import { readPin, readPins } from "./pins.ts";
import { readPinnedKeys, readPlannedKeys, type Survey } from "./survey.ts";
import { readAnnouncements } from "./sweep-record.ts";

const READS_AT_ONCE = 16;

/** @param known runs whose plans the survey has read and that are still there. */
export async function readNeededKeys(
  store: Store,
  known: Pick<Survey, "runs">["runs"],
): Promise<ReadonlySet<string>> {
  const announced = await readAnnouncements(store);
  const namesOf = (kind: "run" | "pin"): string[] =>
    announced.flatMap(({ what, name }) => (what === kind ? [name] : []));
  const runs = new Set([
    ...(await store.listFolders("runs/")),
    ...namesOf("run"),
  ]);
  const planned = new Map(
    known
      .filter(({ isRecorded }) => isRecorded)
      .map(({ run, keys }) => [run, keys]),
  );
  const ofRuns = await mapBounded([...runs], READS_AT_ONCE, async (run) =>
    // A run that was given up between has no plan any more, whoever announced it.
    (await store.stat(layout.runPlan(run))) === null
      ? new Set<string>()
      : (planned.get(run) ?? (await readPlannedKeys(store, run))),
  );
  const listed = await readPins(store);
  const late = await mapBounded(namesOf("pin"), READS_AT_ONCE, (name) =>
    readPin(store, name),
  );
  const pins = [...listed, ...late.filter((pin) => pin !== null)];
  const ofPins = await mapBounded(pins, READS_AT_ONCE, (pin) =>
    readPinnedKeys(store, pin),
  );
  return new Set([...ofRuns, ...ofPins].flatMap((keys) => [...keys]));
}
