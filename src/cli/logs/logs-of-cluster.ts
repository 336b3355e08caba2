/**
 * `hueline logs` of a Run in a cluster: from pods while they are there, from the store once they are gone. `-f` goes on
 * over connections, pods and attempts, until the task that was named, or without a name the Run, has ended.
 */
import { ExitCode, TransientError } from "../../base/errors.ts";
import type { Pod } from "../../executor/jobs/job.ts";
import type { ClusterOptions } from "../cluster/cluster-options.ts";
import { findClusterRun } from "../cluster/find-run.ts";
import { withCluster } from "../cluster/open-cluster.ts";
import type { Environment } from "../environment.ts";
import type { OutputFormat } from "../output.ts";
import { followLogs } from "./follow-logs.ts";
import { isWanted, openLogSource, type LogSource } from "./log-source.ts";
import { readPodLog } from "./pod-log.ts";
import { byCreation, hasStarted, listPods } from "./run-pods.ts";

type LogsOptions = ClusterOptions & {
  readonly output: OutputFormat;
  readonly follow?: boolean;
};

export async function logsOfCluster(
  environment: Environment,
  [given = "", wanted]: readonly string[],
  options: LogsOptions,
): Promise<ExitCode> {
  return await withCluster(environment, options, async (kube) => {
    const run = await findClusterRun(kube, given);
    const pods = await listPods(kube, run);
    const source = await openLogSource({
      kube,
      run,
      environment,
      pods,
      wanted: wanted ?? null,
      output: options.output,
    });
    await (options.follow === true
      ? followLogs(source)
      : showLogs(source, pods));
    return ExitCode.done;
  });
}

/** What there is now, task by task. */
async function showLogs(
  source: LogSource,
  pods: readonly Pod[],
): Promise<void> {
  const { kube, environment, names, logOf } = source;
  const { clock, signal, stderr } = environment;
  const byTask = new Map<string, Pod[]>(
    source.tasks?.map((task) => [task, []]),
  );
  for (const pod of pods.toSorted(byCreation)) {
    if (!hasStarted(pod) || !(await isWanted(source, pod))) continue;
    const task = await names.of(pod);
    byTask.set(task, [...(byTask.get(task) ?? []), pod]);
  }
  for (const [task, own] of byTask) {
    const log = logOf(task);
    for (const { metadata } of own)
      try {
        const how = { follows: false, clock, signal };
        await log.showPod(readPodLog(kube, metadata, how));
      } catch (thrown) {
        if (!(thrown instanceof TransientError)) throw thrown;
        // Its node does not answer: what the store has of it follows.
        stderr.write(
          `the log of pod '${metadata.name}' cannot be read now: ${thrown.message}\n`,
        );
      }
    await log.showRest();
  }
  if (source.linesShown() === 0)
    stderr.write("no logs yet: found in the store, or not started\n");
}
