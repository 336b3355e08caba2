/** Operations that all clients do on the same objects: one winner of each condition, and no step of a count lost. */
import type { Store } from "../../../src/store/store.ts";
import type { Tally } from "./tally.ts";

type Outcome = "written" | "exists" | "failed";

export function createSharedObjects(tally: Tally) {
  /** By object, then by client. */
  const races = new Map<string, Map<number, Outcome>>();
  const acknowledged: number[] = [];
  let doubtful = 0;

  return {
    async race(store: Store, client: number, round: number): Promise<void> {
      const path = `race/${round}`;
      const outcomes = races.get(path) ?? new Map<number, Outcome>();
      if (outcomes.has(client)) return;
      races.set(path, outcomes.set(client, "failed"));
      const bytes = Buffer.from(`client ${client}`);
      const done = await tally.attempt("putIfAbsent", () =>
        store.putIfAbsent(path, bytes),
      );
      outcomes.set(client, done?.value ?? "failed");
    },

    async countUp(store: Store): Promise<void> {
      const read = await tally.attempt("readRecord", () =>
        store.readRecord("count"),
      );
      if (read === null) return;
      const next =
        1 + Number(Buffer.from(read.value?.bytes ?? []).toString() || 0);
      const done = await tally.attempt("swap", () =>
        store.swap(
          "count",
          Buffer.from(String(next)),
          read.value?.etag ?? null,
        ),
      );
      if (done === null) doubtful++;
      else if (done.value.kind === "written") acknowledged.push(next);
    },

    /** With the faults off. */
    async check(store: Store): Promise<void> {
      for (const [path, outcomes] of races)
        tally.find(await judgeRace(store, path, outcomes), path);
      const read = await store.readRecord("count");
      const last = Number(Buffer.from(read?.bytes ?? []).toString() || 0);
      if (new Set(acknowledged).size < acknowledged.length)
        tally.find("one step was acknowledged to two clients", "count");
      // A swap that was done without an answer, and seen by others before it was asked again, is told as "changed".
      if (last < Math.max(0, ...acknowledged))
        tally.find("an acknowledged step was lost", "count");
      if (last < acknowledged.length)
        tally.find("steps were lost", `count, ${doubtful} in doubt`);
    },
  };
}

async function judgeRace(
  store: Store,
  path: string,
  outcomes: ReadonlyMap<number, Outcome>,
): Promise<string | null> {
  const found = Buffer.from((await store.read(path)) ?? []).toString();
  const of = (wanted: Outcome): string[] =>
    [...outcomes]
      .filter(([, outcome]) => outcome === wanted)
      .map(([client]) => `client ${client}`);
  const [winner, ...others] = of("written");
  if (others.length > 0) return "two writers won";
  if (winner !== undefined)
    return found === winner ? null : "the winner's bytes are not there";
  if (found === "" && of("exists").length === 0) return null;
  return of("failed").includes(found) ? null : "it holds nobody's bytes";
}
