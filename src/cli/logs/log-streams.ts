/** The logs of many pods at once: one after the other of a task, and no more connections than a server should bear. */
import { toError } from "../../base/errors.ts";
import type { Pod } from "../../executor/jobs/job.ts";
import { isWanted, type LogSource } from "./log-source.ts";
import { readPodLog } from "./pod-log.ts";
import { byCreation, hasStarted } from "./run-pods.ts";

/** Of the pods that are over it nothing is lost: they are read from their beginning when others have ended. */
const MOST_STREAMS = 50;

export type LogStreams = {
  /** Begins with the pods that have started and are new. Throws what one of the streams has ended by. */
  follow(pods: readonly Pod[]): Promise<void>;
  /** Of those that were begun. */
  tasks(): readonly string[];
  /** Resolves when all have ended. */
  end(): Promise<void>;
};

export function createLogStreams(
  source: LogSource,
  onFailure: () => void,
): LogStreams {
  const { kube, environment, names, logOf } = source;
  const { clock, signal } = environment;
  const begun = new Set<string>();
  const chains = new Map<string, Promise<void>>();
  const slots = createSlots(MOST_STREAMS);
  let failure: Error | null = null;

  const show = async (
    before: Promise<void> | undefined,
    task: string,
    { metadata }: Pod,
  ): Promise<void> => {
    await before;
    await slots.take();
    try {
      const lines = readPodLog(kube, metadata, {
        follows: true,
        clock,
        signal,
      });
      await logOf(task).showPod(lines);
    } finally {
      slots.release();
    }
  };
  const begin = async (pod: Pod): Promise<void> => {
    const { uid = "" } = pod.metadata;
    if (begun.has(uid) || !hasStarted(pod)) return;
    if (!(await isWanted(source, pod))) return;
    begun.add(uid);
    const task = await names.of(pod);
    const showing = show(chains.get(task), task, pod);
    chains.set(task, showing);
    showing.catch((thrown: unknown) => {
      failure ??= toError(thrown);
      onFailure();
    });
  };

  return {
    async follow(pods) {
      if (failure !== null) throw failure;
      for (const pod of pods.toSorted(byCreation)) await begin(pod);
    },
    tasks: () => [...chains.keys()],
    async end() {
      await Promise.all(chains.values());
    },
  };
}

function createSlots(most: number) {
  let free = most;
  const waiting: (() => void)[] = [];
  return {
    async take(): Promise<void> {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => void waiting.push(resolve));
    },
    release(): void {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    },
  };
}
