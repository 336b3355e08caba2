/**
 * Follows the logs of a Run's tasks: each pod that starts is read to its end, those of one task one after the other.
 * Nothing is polled: a watch tells of pods, another one of the Run.
 */
import { mapBounded } from "../../base/async.ts";
import { toError } from "../../base/errors.ts";
import type { Pod } from "../../executor/jobs/job.ts";
import { createSignalFlag } from "../../executor/signal-flag.ts";
import { openInformer } from "../../kube/informer.ts";
import { resources } from "../../kube/kube.ts";
import type { Run } from "../../resources/run-resource.ts";
import { isEnded } from "../../resources/run-status.ts";
import { followRun } from "../cluster/follow-run.ts";
import { random } from "../cluster/open-cluster.ts";
import { isWanted, type LogSource } from "./log-source.ts";
import { createLogStreams } from "./log-streams.ts";
import { hasStarted, isRunning, selectPodsOf } from "./run-pods.ts";

const READS_IN_FLIGHT = 16;

export async function followLogs(source: LogSource): Promise<void> {
  const { kube, run, environment, logOf } = source;
  const { clock, log, signal } = environment;
  const changed = createSignalFlag();
  const pods = openInformer<Pod>({
    kube,
    resource: resources.pod,
    ...selectPodsOf(kube, run),
    clock,
    random,
    log,
  });
  pods.onChange(changed.raise);
  void pods.synced.then(changed.raise);
  const follower = followInBackground(source, changed.raise);
  const streams = createLogStreams(source, changed.raise);
  try {
    // The first list.
    await changed.wait(signal);
    await showStored(source, pods.list());
    while (!signal.aborted) {
      // In this order: what ends a task comes after its last pod has started.
      const isLast = await isOver(source, follower.run(), pods.list());
      await streams.follow(pods.list());
      if (isLast) break;
      await changed.wait(signal);
    }
    await streams.end();
    const tasks = source.tasks ?? streams.tasks();
    await mapBounded(tasks, READS_IN_FLIGHT, (task) => logOf(task).showRest());
  } finally {
    await follower.close();
    await pods.close();
  }
}

/** Of tasks that no pod will tell about, or none has yet. */
async function showStored(
  source: LogSource,
  pods: readonly Pod[],
): Promise<void> {
  const started = new Set<string>();
  for (const pod of pods.filter(hasStarted))
    started.add(await source.names.of(pod));
  const others = (source.tasks ?? []).filter((task) => !started.has(task));
  await mapBounded(others, READS_IN_FLIGHT, (task) =>
    source.logOf(task).showRest(),
  );
}

async function isOver(
  source: LogSource,
  { status }: Run,
  pods: readonly Pod[],
): Promise<boolean> {
  const { wanted } = source;
  if (status !== undefined && isEnded(status.phase)) return true;
  if (wanted === null) return false;
  const row = status?.stages?.find(({ stage }) => stage === wanted);
  if (row !== undefined) return row.succeeded + row.failed === row.tasks;
  const note = status?.notes?.find(({ task }) => task === wanted);
  if (note?.phase === "Failed" || note?.phase === "Skipped") return true;
  for (const pod of pods.filter(isRunning))
    if (await isWanted(source, pod)) return false;
  return await source.isDone(wanted);
}

function followInBackground(
  { kube, run, environment }: LogSource,
  onChange: () => void,
) {
  const over = new AbortController();
  const signal = AbortSignal.any([environment.signal, over.signal]);
  let last = run;
  let failure: Error | null = null;
  const follow = async (): Promise<void> => {
    try {
      for await (const seen of followRun(kube, run, {
        ...environment,
        signal,
      })) {
        last = seen;
        onChange();
      }
    } catch (thrown) {
      failure = toError(thrown);
      onChange();
    }
  };
  const following = follow();
  return {
    /** As it is. Throws what has ended the watch. */
    run(): Run {
      if (failure !== null) throw failure;
      return last;
    },
    async close(): Promise<void> {
      over.abort();
      await following;
    },
  };
}
