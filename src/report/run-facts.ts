/**
 * What a run cost, for the run's own copy of the report. Never part of the report artifact: it differs from run to
 * run. Time and memory are those of the attempts that committed, so a stage that was found in the store shows what
 * it cost when it was computed.
 */

/** How images came to trainings that read them from the store; all sums. */
export type ReadingCost = {
  readonly images: number;
  readonly bytesFetched: number;
  readonly requests: number;
  /** How long training stood still for images, out of how long it took. */
  readonly waitedMs: number;
  readonly wallMs: number;
  /** What was the slower part while it waited. */
  readonly waitedFor: "storage" | "decode" | "training";
};

export type StageCost = {
  readonly stage: string;
  readonly kind: string;
  readonly tasks: number;
  /** Of the tasks: found in the store, not computed by this run. */
  readonly cached: number;
  /** Sums over tasks. */
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMemoryBytes: number;
  /** Steps of the checkpoints from which tasks went on; their times are those since. */
  readonly resumedAtSteps: readonly number[];
  /** Null: nothing was read while computing. */
  readonly reading: ReadingCost | null;
};

export type RunFacts = {
  readonly run: string;
  readonly host: string;
  /** Milliseconds since the epoch. */
  readonly finishedAtMs: number;
  /** From the start of the run to its end; 0 where nobody watched it (a report that is rendered again). */
  readonly wallMs: number;
  readonly stages: readonly StageCost[];
};

/** One finished task as the run saw it. */
export type TaskCost = {
  readonly stage: string;
  readonly kind: string;
  readonly isCached: boolean;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMemoryBytes: number;
  /** Null: its attempt computed all of it. */
  readonly resumedAtStep: number | null;
  readonly reading: ReadingCost | null;
};

/** Sums tasks by stage, stages in order of their first task. */
export function createStageCosts(tasks: readonly TaskCost[]): StageCost[] {
  return [...Map.groupBy(tasks, ({ stage }) => stage)].map(
    ([stage, members]) => ({
      stage,
      kind: members[0]?.kind ?? "",
      tasks: members.length,
      cached: members.filter(({ isCached }) => isCached).length,
      wallMs: sum(members.map(({ wallMs }) => wallMs)),
      cpuMs: sum(members.map(({ cpuMs }) => cpuMs)),
      peakMemoryBytes: Math.max(
        0,
        ...members.map(({ peakMemoryBytes }) => peakMemoryBytes),
      ),
      resumedAtSteps: members
        .flatMap(({ resumedAtStep }) => resumedAtStep ?? [])
        .toSorted((a, b) => a - b),
      reading: sumReading(
        members.flatMap(({ reading }) => (reading ? [reading] : [])),
      ),
    }),
  );
}

/** What was waited for is that of the task which waited longest. */
function sumReading(costs: readonly ReadingCost[]): ReadingCost | null {
  const [worst] = costs.toSorted((a, b) => b.waitedMs - a.waitedMs);
  if (!worst) return null;
  const total = (pick: (cost: ReadingCost) => number) => sum(costs.map(pick));
  return {
    images: total(({ images }) => images),
    bytesFetched: total(({ bytesFetched }) => bytesFetched),
    requests: total(({ requests }) => requests),
    waitedMs: total(({ waitedMs }) => waitedMs),
    wallMs: total(({ wallMs }) => wallMs),
    waitedFor: worst.waitedFor,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, value) => total + value, 0);
}
