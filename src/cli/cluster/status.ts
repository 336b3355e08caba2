/** `hueline status` of a cluster: its Runs, or one of them; one request, and a watch with `-w`. */
import { ExitCode } from "../../base/errors.ts";
import { createSignalFlag } from "../../executor/signal-flag.ts";
import { openInformer } from "../../kube/informer.ts";
import { resources, type Kube } from "../../kube/kube.ts";
import type { Run } from "../../resources/run-resource.ts";
import type { Environment } from "../environment.ts";
import { painterFor, printJson, type OutputFormat } from "../output.ts";
import type { ClusterOptions } from "./cluster-options.ts";
import { byAge, findClusterRun, listClusterRuns } from "./find-run.ts";
import { random, withCluster } from "./open-cluster.ts";
import { formatRun, formatRuns, runToJson } from "./run-view.ts";
import { watchRun } from "./watch-run.ts";

type StatusOptions = ClusterOptions & {
  readonly output: OutputFormat;
  readonly watch?: boolean;
};

export async function statusOfCluster(
  environment: Environment,
  [given]: readonly string[],
  options: StatusOptions,
): Promise<number> {
  const { stdout, variables } = environment;
  return await withCluster(environment, options, async (kube) => {
    if (given === undefined)
      return await (options.watch === true ? watchRuns : showRuns)(
        kube,
        environment,
        options,
      );
    const run = await findClusterRun(kube, given);
    if (options.watch === true)
      return await watchRun(kube, run, environment, options.output);
    if (options.output === "json") printJson(stdout, runToJson(run));
    else stdout.write(formatRun(run, painterFor(stdout, variables)));
    return ExitCode.done;
  });
}

async function showRuns(
  kube: Kube,
  environment: Environment,
  { output }: StatusOptions,
): Promise<ExitCode> {
  const runs = await listClusterRuns(kube);
  if (output === "json") printJson(environment.stdout, runs.map(runToJson));
  else if (runs.length > 0) environment.stdout.write(table(runs, environment));
  else
    environment.stderr.write(
      `there is no Run in namespace '${kube.namespace}' of ${kube.server}\n`,
    );
  return ExitCode.done;
}

/** Until it is told to stop: on a terminal the table is drawn over itself, elsewhere a Run that changed is a line. */
async function watchRuns(
  kube: Kube,
  environment: Environment,
  { output }: StatusOptions,
): Promise<ExitCode> {
  const { clock, log, signal, stdout } = environment;
  const { namespace } = kube;
  const changed = createSignalFlag();
  const fresh = new Map<string, Run>();
  const informer = openInformer<Run>({
    kube,
    resource: resources.run,
    namespace,
    clock,
    random,
    log,
  });
  informer.onChange((run) => {
    fresh.set(run.metadata.name, run);
    changed.raise();
  });
  const isDrawn = stdout.isTerminal && output === "text";
  let drawn = 0;
  try {
    while (!signal.aborted) {
      await changed.wait(signal);
      const runs = informer.list().toSorted(byAge);
      const text = isDrawn ? table(runs, environment) : "";
      if (drawn > 0) stdout.write(`\u001B[${drawn}A\u001B[0J`);
      drawn = text.split("\n").length - 1;
      stdout.write(isDrawn ? text : linesOf([...fresh.values()], output));
      fresh.clear();
    }
  } finally {
    await informer.close();
  }
  return ExitCode.done;
}

function linesOf(runs: readonly Run[], output: OutputFormat): string {
  const lines = runs.toSorted(byAge).map((run) => {
    if (output === "json") return JSON.stringify(runToJson(run));
    const { phase = "", done = "", reason = "" } = run.status ?? {};
    return [run.metadata.name, phase, done, reason].join("  ").trimEnd();
  });
  return lines.map((line) => `${line}\n`).join("");
}

function table(runs: readonly Run[], { clock, stdout }: Environment): string {
  return formatRuns(runs, { nowMs: clock.now(), isCut: stdout.isTerminal });
}
