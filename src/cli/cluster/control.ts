/**
 * What people ask of a Run in a cluster: fields and annotations that its controller reads. Each is a patch of what is
 * asked alone, so that it undoes nothing that somebody else has asked meanwhile.
 */
import { ExitCode } from "../../base/errors.ts";
import { resources, type Kube } from "../../kube/kube.ts";
import { annotations } from "../../resources/labels.ts";
import type { Run } from "../../resources/run-resource.ts";
import { isEnded } from "../../resources/run-status.ts";
import type { Environment } from "../environment.ts";
import { printJson, type OutputFormat } from "../output.ts";
import type { ClusterOptions } from "./cluster-options.ts";
import { findClusterRun } from "./find-run.ts";
import { withCluster } from "./open-cluster.ts";

export type ControlOptions = ClusterOptions & { readonly output: OutputFormat };

type Answer = { readonly sentence: string; readonly [field: string]: unknown };

/** Finds the Run, asks, and prints the answer. */
export async function ask(
  environment: Environment,
  given: string,
  options: ControlOptions,
  act: (run: Run, kube: Kube) => Promise<Answer>,
): Promise<ExitCode> {
  return await withCluster(environment, options, async (kube) => {
    const run = await findClusterRun(kube, given);
    const { sentence, ...fields } = await act(run, kube);
    const { name } = run.metadata;
    if (options.output === "json")
      printJson(environment.stdout, { run: name, ...fields });
    else environment.stdout.write(`${sentence}\n`);
    return ExitCode.done;
  });
}

export async function patchRun(
  kube: Kube,
  { metadata: { name, namespace = "" } }: Run,
  change: object,
): Promise<void> {
  await kube.patch(resources.run, { name, namespace }, change);
}

function hasEnded({ metadata, status }: Run): Answer | null {
  const phase = status?.phase;
  if (phase === undefined || !isEnded(phase)) return null;
  const sentence = `the Run '${metadata.name}' has ended already: ${phase}`;
  return { phase, sentence };
}

export async function cancelInCluster(
  environment: Environment,
  [given = ""]: readonly string[],
  options: ControlOptions,
): Promise<ExitCode> {
  return await ask(environment, given, options, async (run, kube) => {
    const ended = hasEnded(run);
    if (ended !== null) return ended;
    const change = {
      metadata: { annotations: { [annotations.cancel]: "true" } },
    };
    await patchRun(kube, run, change);
    const { name } = run.metadata;
    return {
      cancel: true,
      sentence: `the Run '${name}' stops after a checkpoint; \`hueline retry ${name} --cluster\` takes it up again`,
    };
  });
}

export async function suspend(
  environment: Environment,
  [given = ""]: readonly string[],
  options: ControlOptions,
): Promise<ExitCode> {
  return await ask(environment, given, options, async (run, kube) => {
    const ended = hasEnded(run);
    if (ended !== null) return ended;
    const { name } = run.metadata;
    const isNew = run.spec.suspend !== true;
    if (isNew) await patchRun(kube, run, { spec: { suspend: true } });
    const sentence = isNew
      ? `the Run '${name}' stops after a checkpoint; \`hueline resume ${name}\` lets it go on`
      : `the Run '${name}' is suspended already`;
    return { suspend: true, sentence };
  });
}

export async function resume(
  environment: Environment,
  [given = ""]: readonly string[],
  options: ControlOptions,
): Promise<ExitCode> {
  return await ask(environment, given, options, async (run, kube) => {
    const ended = hasEnded(run);
    if (ended !== null) return ended;
    const { name } = run.metadata;
    const isNew = run.spec.suspend === true;
    if (isNew) await patchRun(kube, run, { spec: { suspend: false } });
    const sentence = isNew
      ? `the Run '${name}' goes on`
      : `the Run '${name}' is not suspended`;
    return { suspend: false, sentence };
  });
}
