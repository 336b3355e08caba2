/**
 * `hueline submit`: a pipeline file becomes a Run of a cluster. The Run is created suspended; the controller plans it; it
 * starts when somebody has agreed to its receipt. Whatever ends this earlier removes the Run again: nothing is left that
 * nobody asked for.
 */
import { ExitCode, toError, UserError } from "../../base/errors.ts";
import { resources, type Kube } from "../../kube/kube.ts";
import type { Run } from "../../resources/run-resource.ts";
import type { ClusterOptions } from "../cluster/cluster-options.ts";
import { withCluster } from "../cluster/open-cluster.ts";
import { runToJson } from "../cluster/run-view.ts";
import { watchRun } from "../cluster/watch-run.ts";
import type { Environment } from "../environment.ts";
import { parseOrThrow, readPipelineFile } from "../load-pipeline.ts";
import { painterFor, printJson, type OutputFormat } from "../output.ts";
import { awaitPlan } from "../submit/await-plan.ts";
import { formatReceipt } from "../submit/format-receipt.ts";
import { toPipelineField } from "../submit/pipeline-field.ts";
import { createRunObject } from "../submit/run-object.ts";
import { toRunSpec, type RunOptions } from "../submit/run-spec.ts";
import { durationOption } from "../unit-options.ts";

type SubmitOptions = ClusterOptions &
  RunOptions & {
    readonly name?: string;
    readonly output: OutputFormat;
    readonly yes?: boolean;
    readonly watch?: boolean;
    readonly dryRun?: boolean;
    readonly answerWithin: string;
  };

export async function submit(
  environment: Environment,
  [file = ""]: readonly string[],
  options: SubmitOptions,
): Promise<number> {
  const source = await readPipelineFile(file, environment);
  const pipeline = parseOrThrow(source, options.param);
  const spec = toRunSpec(options);
  const answerMs = durationOption("--answer-within", options.answerWithin);
  return await withCluster(environment, options, async (kube) => {
    const isDryRun = options.dryRun === true;
    const field = await toPipelineField(source, {
      storeUrl: options.store,
      isKept: !isDryRun,
      pinnedFor: null,
      environment,
    });
    const wanted = createRunObject({
      name: options.name,
      pipelineName: pipeline.name,
      namespace: kube.namespace,
      spec: { ...spec, ...field },
    });
    const dryRun = { dryRun: isDryRun };
    const run = await kube.create<Run>(resources.run, wanted, dryRun);
    if (isDryRun) return showDryRun(run, environment, options);
    return await offer(kube, run, { environment, options, answerMs });
  });
}

/** With `-o json`, what `kubectl create -f -` would take. */
function showDryRun(
  { apiVersion, kind, metadata: { name, namespace }, spec }: Run,
  { stdout }: Environment,
  { output }: SubmitOptions,
): ExitCode {
  if (output === "json")
    printJson(stdout, {
      apiVersion,
      kind,
      metadata: { name, namespace },
      spec,
    });
  else
    stdout.write(
      `the server would accept the Run '${name}'; nothing was created\n`,
    );
  return ExitCode.done;
}

type Offer = {
  readonly environment: Environment;
  readonly options: SubmitOptions;
  readonly answerMs: number;
};

/** Shows the receipt, asks, and starts the Run; or removes it. */
async function offer(kube: Kube, run: Run, request: Offer): Promise<number> {
  let isStarted = false;
  try {
    const planned = await agree(kube, run, request);
    if (typeof planned === "number") return planned;
    const { namespace = "", name } = run.metadata;
    const change = { spec: { suspend: false } };
    const started = await kube.patch<Run>(
      resources.run,
      { namespace, name },
      change,
    );
    isStarted = true;
    return await report(kube, started, request);
  } finally {
    if (!isStarted) await withdraw(kube, run, request.environment);
  }
}

/** The Run with its plan, agreed to; or the exit code that means why not. */
async function agree(
  kube: Kube,
  run: Run,
  { environment, options, answerMs }: Offer,
): Promise<Run | number> {
  const { stdout, stderr, variables } = environment;
  const planned = await awaitPlan(kube, run, { environment, answerMs });
  if (planned.kind === "stopped") return ExitCode.stopped;
  if (planned.kind === "refused")
    throw new UserError({ code: "submit.refused", message: planned.reason });
  const isText = options.output === "text";
  const output = isText ? stdout : stderr;
  output.write(formatReceipt(planned.run, painterFor(output, variables)));
  if (options.yes === true) return planned.run;
  const answer = await environment.ask("Start it? [y/N] ");
  if (answer === null)
    throw new UserError({
      code: "submit.unasked",
      message: "nothing was started: stdin is no terminal, so nobody can agree",
      hint: "give --yes to start without asking",
      exitCode: ExitCode.usage,
    });
  return /^y(es)?$/i.test(answer.trim()) ? planned.run : ExitCode.usage;
}

async function report(
  kube: Kube,
  run: Run,
  { environment, options }: Offer,
): Promise<number> {
  const { stdout, stderr } = environment;
  const { name } = run.metadata;
  if (options.output === "json") {
    // With --watch, each change is a value of its own.
    if (options.watch !== true) printJson(stdout, runToJson(run));
  } else if (options.watch === true) stderr.write(`Run '${name}' is started\n`);
  else
    stdout.write(
      `Run '${name}' is started; \`hueline status ${name} --cluster -w\` follows it\n`,
    );
  if (options.watch !== true) return ExitCode.done;
  return await watchRun(kube, run, environment, options.output);
}

async function withdraw(
  kube: Kube,
  { metadata: { namespace = "", name, uid = "" } }: Run,
  { stderr }: Environment,
): Promise<void> {
  try {
    await kube.remove(resources.run, { namespace, name }, { uid });
    stderr.write(`the Run '${name}' was removed again; nothing was started\n`);
  } catch (thrown) {
    // What ended the command before is more to the point: it is thrown, this is said.
    stderr.write(
      `nothing was started, but the Run '${name}' is still there, suspended: ${toError(thrown).message}\n`,
    );
  }
}
