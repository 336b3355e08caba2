/**
 * Shows a Run until it has come to its end: as `hueline run` does, or one JSON value for each change with `-o json`. Who
 * is told to stop leaves: the Run goes on.
 */
import { ExitCode } from "../../base/errors.ts";
import type { Kube } from "../../kube/kube.ts";
import type { Run } from "../../resources/run-resource.ts";
import { isEnded } from "../../resources/run-status.ts";
import type { Environment } from "../environment.ts";
import { painterFor, type OutputFormat } from "../output.ts";
import { followRun } from "./follow-run.ts";
import { createRunDisplay } from "./run-display.ts";
import { formatRun, runToJson } from "./run-view.ts";

/** Returns the exit code of `hueline run`: 0 if it succeeded, 1 if not, 143 if who watches was told to stop. */
export async function watchRun(
  kube: Kube,
  run: Run,
  environment: Environment,
  output: OutputFormat,
): Promise<number> {
  const { stdout, stderr, variables } = environment;
  const last =
    output === "json"
      ? await printChanges(kube, run, environment)
      : await displayChanges(kube, run, environment);
  if (last === null) {
    const { name } = run.metadata;
    stderr.write(
      `the Run '${name}' goes on; \`hueline status ${name} --cluster -w\` follows it again\n`,
    );
    return ExitCode.stopped;
  }
  if (output === "text")
    stdout.write(formatRun(last, painterFor(stdout, variables)));
  return last.status?.phase === "Succeeded" ? ExitCode.done : 1;
}

/** The Run at its end; null: who watches was told to stop. */
async function displayChanges(
  kube: Kube,
  run: Run,
  environment: Environment,
): Promise<Run | null> {
  const display = createRunDisplay(environment);
  try {
    for await (const seen of followRun(kube, run, environment)) {
      display.show(seen);
      if (isOver(seen)) return seen;
    }
    return null;
  } finally {
    await display.end();
  }
}

async function printChanges(
  kube: Kube,
  run: Run,
  environment: Environment,
): Promise<Run | null> {
  for await (const seen of followRun(kube, run, environment)) {
    environment.stdout.write(`${JSON.stringify(runToJson(seen))}\n`);
    if (isOver(seen)) return seen;
  }
  return null;
}

function isOver({ status }: Run): boolean {
  return status !== undefined && isEnded(status.phase);
}
