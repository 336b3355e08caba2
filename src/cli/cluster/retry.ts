/** `hueline retry` of a Run in a cluster: an annotation, to which others may add at the same time. */
import { UserError, type ExitCode } from "../../base/errors.ts";
import { resources } from "../../kube/kube.ts";
import { KubeRefusal } from "../../kube/refusal.ts";
import { addRetry } from "../../resources/add-retry.ts";
import { annotations } from "../../resources/labels.ts";
import type { Run } from "../../resources/run-resource.ts";
import type { Environment } from "../environment.ts";
import { ask, patchRun, type ControlOptions } from "./control.ts";

const MAX_TRIES = 5;

export async function retryInCluster(
  environment: Environment,
  [given = "", task]: readonly string[],
  options: ControlOptions,
): Promise<ExitCode> {
  return await ask(environment, given, options, async (found, kube) => {
    checkFailed(found, task);
    const { name, namespace = "" } = found.metadata;
    for (let tries = 1, run: Run | null = found; run !== null; tries++) {
      try {
        await patchRun(kube, run, toRetry(run, task, environment));
        break;
      } catch (thrown) {
        const isRaced =
          thrown instanceof KubeRefusal && thrown.reason === "Conflict";
        if (!isRaced || tries === MAX_TRIES) throw thrown;
      }
      run = await kube.get<Run>(resources.run, { name, namespace });
    }
    const what = task === undefined ? "the failed tasks" : `task ${task}`;
    return {
      task: task ?? "*",
      sentence: `${what} of the Run '${name}' may be tried again`,
    };
  });
}

/** With the version that was read: another wish that came meanwhile must not be lost. */
function toRetry(
  run: Run,
  task: string | undefined,
  { clock }: Environment,
): object {
  const { resourceVersion, annotations: given = {} } = run.metadata;
  const wishes = addRetry(given[annotations.retry], {
    task: task ?? "*",
    atMs: toWishMs(clock.now(), latestMs(run)),
  });
  return {
    metadata: {
      resourceVersion,
      // A cancelled Run would be cancelled again at once.
      annotations: { [annotations.retry]: wishes, [annotations.cancel]: null },
    },
  };
}

/**
 * Clocks differ: a retry that seems older than the failure would change nothing. What the controller writes down is cut
 * to whole seconds.
 */
function toWishMs(nowMs: number, controllerMs: number): number {
  return nowMs >= controllerMs ? nowMs : controllerMs + 1000;
}

/** The last moment that the controller's clock has written down. */
function latestMs({ status }: Run): number {
  const times = [
    status?.finishedAt,
    ...(status?.conditions ?? []).map(
      ({ lastTransitionTime }) => lastTransitionTime,
    ),
  ];
  return Math.max(0, ...times.map((time) => Date.parse(time ?? "") || 0));
}

/** Throws `run.no-task` (UserError) where there is nothing to try again. */
function checkFailed(
  { metadata, status }: Run,
  task: string | undefined,
): void {
  const { name } = metadata;
  const phase = status?.phase;
  const notes = status?.notes ?? [];
  const failed = notes.flatMap((note) =>
    note.phase === "Failed" ? [note.task] : [],
  );
  const count = status?.counts?.failed ?? 0;
  const isKnown = failed.length === count;
  const refuse = (message: string, hint: string): never => {
    throw new UserError({ code: "run.no-task", message, hint });
  };
  if (count === 0 && phase !== "Failed" && phase !== "Cancelled")
    refuse(
      `no task of the Run '${name}' has failed${phase === undefined ? "" : `: it is ${phase}`}`,
      `\`hueline status ${name} --cluster\` says what it waits for`,
    );
  if (task !== undefined && isKnown && count > 0 && !failed.includes(task))
    refuse(
      `no task '${task}' of the Run '${name}' has failed`,
      `these have: ${failed.join(", ")}`,
    );
}
