/**
 * The Runs that are ours: a loop for each, made when it is first stepped and closed when the Run goes, or its shard does.
 * A Run has one turn at a time, and the end of it waits for its turn too.
 */
import type { Clock } from "../../base/clock.ts";
import { toError, UserError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { resources, type Kube } from "../../kube/kube.ts";
import type { Run, RunResourcePhase } from "../../resources/run-resource.ts";
import type { RunStatus } from "../../run/status.ts";
import type { RunLoop } from "./run-loop.ts";
import type { StatusWriter } from "./status-writer.ts";
import { createTurns, type Turns } from "./turns.ts";

export type OpenedLoop = {
  readonly loop: RunLoop;
  readonly status: Pick<StatusWriter, "isOver">;
};

export type RunDeskOptions = {
  readonly kube: Kube;
  readonly clock: Clock;
  readonly log: Logger;
  readonly openLoop: (key: string, run: Run) => OpenedLoop;
};

export type RunDesk = {
  /** One turn. Returns milliseconds until the next; null: only on a change. */
  step(key: string, run: Run): Promise<number | null>;
  /** Lets go of a Run; nothing happens to it. */
  leave(key: string): Promise<void>;
  /** Lets go of all Runs that `chosen` says yes to, by their uids. */
  leaveAll(chosen: (uid: string) => boolean): Promise<void>;
  /** For metrics. */
  statuses(): readonly RunStatus[];
};

type Entry = OpenedLoop & { readonly uid: string; readonly turns: Turns };

export function createRunDesk(options: RunDeskOptions): RunDesk {
  const { kube, clock, log } = options;
  const entries = new Map<string, Entry>();

  const close = async (key: string, entry: Entry): Promise<void> => {
    if (entries.get(key) === entry) entries.delete(key);
    await entry.turns.take(() => entry.loop.close());
  };
  const entryOf = async (key: string, run: Run): Promise<Entry> => {
    const { uid = "" } = run.metadata;
    const found = entries.get(key);
    if (found?.uid === uid) return found;
    // Another Run of the same name.
    if (found !== undefined) await close(key, found);
    const entry = { uid, turns: createTurns(), ...options.openLoop(key, run) };
    entries.set(key, entry);
    return entry;
  };
  /** What is over for good goes when its time to live is over; milliseconds until then, null: never. */
  const expire = async (run: Run, entry: Entry): Promise<number | null> => {
    const { name, namespace = "", uid = "" } = run.metadata;
    const { ttlSecondsAfterFinished } = run.spec;
    const endMs = Date.parse(run.status?.finishedAt ?? "");
    if (ttlSecondsAfterFinished === undefined || Number.isNaN(endMs))
      return null;
    if (!entry.status.isOver(run)) return null;
    const leftMs = endMs + ttlSecondsAfterFinished * 1000 - clock.now();
    if (leftMs > 0) return leftMs;
    log.info({ run: name }, "a Run is removed: its time to live is over");
    await kube.remove(resources.run, { name, namespace }, { uid });
    return null;
  };

  const leave = async (key: string): Promise<void> => {
    const entry = entries.get(key);
    if (entry !== undefined) await close(key, entry);
  };

  return {
    async step(key, run) {
      if (run.metadata.deletionTimestamp !== undefined) {
        await leave(key);
        return null;
      }
      const entry = await entryOf(key, run);
      const nextMs = await entry.turns.take(() => entry.loop.step(run));
      return nextMs ?? (await expire(run, entry));
    },
    leave,
    async leaveAll(chosen) {
      const all = [...entries].filter(([, { uid }]) => chosen(uid));
      await Promise.all(all.map(([key, entry]) => close(key, entry)));
    },
    statuses: () =>
      [...entries.values()].flatMap(({ loop }) => loop.status() ?? []),
  };
}

/** A loop for a Run whose store cannot be opened: it says so. */
export function createRefusedLoop(
  status: StatusWriter,
  thrown: unknown,
): OpenedLoop {
  if (!(thrown instanceof UserError)) throw toError(thrown);
  const { message, hint } = thrown;
  const planProblem = hint === null ? message : `${message}; ${hint}`;
  let isTold = false;
  return {
    status,
    loop: {
      async step(run) {
        if (isTold && status.isOver(run)) return null;
        const nothing = { seen: null, receipt: null, gpuHours: null };
        const report = { ...nothing, planProblem, hindrances: [] };
        await status.writeLast(run, report);
        await status.tellEnd(run);
        isTold = true;
        return null;
      },
      status: () => null,
      close: () => Promise.resolve(),
    },
  };
}

/** Runs by phase, as their statuses say: for metrics. */
export function countPhases(
  runs: readonly Run[],
): Readonly<Partial<Record<RunResourcePhase, number>>> {
  const counts: Partial<Record<RunResourcePhase, number>> = {};
  for (const { status } of runs) {
    const phase = status?.phase ?? "Planning";
    counts[phase] = (counts[phase] ?? 0) + 1;
  }
  return counts;
}
