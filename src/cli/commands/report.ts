/** `hueline report`: renders a run's report again from its value; `--check` makes the verdicts an exit code. */
import path from "node:path";
import { ExitCode, UserError } from "../../base/errors.ts";
import {
  checkReport,
  type FailedVerdict,
} from "../../report/verdicts/check-report.ts";
import type { ClusterOptions } from "../cluster/cluster-options.ts";
import type { Environment } from "../environment.ts";
import { writeLocalFile } from "../local-folder.ts";
import { openRun } from "../open-run.ts";
import { painterFor, printJson, type OutputFormat } from "../output.ts";
import { areLinksTimed, linkTo, UNTIMED_LINKS } from "../pull/links.ts";
import {
  renderRunReports,
  writeRunReports,
  type RenderedReport,
  type WrittenReport,
} from "../run-report.ts";
import { durationOption } from "../unit-options.ts";

type ReportOptions = ClusterOptions & {
  readonly store?: string;
  readonly output: OutputFormat;
  readonly check?: boolean;
  readonly to?: string;
  readonly links?: string;
};

export async function report(
  environment: Environment,
  [given = ""]: readonly string[],
  options: ReportOptions,
): Promise<number> {
  const validForMs =
    options.links === undefined
      ? null
      : durationOption("--links", options.links);
  const { store, run, plan } = await openRun(environment, given, options);
  const wanted = { run, plan, host: environment.host.name };
  const written =
    options.to === undefined
      ? await writeRunReports(store, wanted)
      : await writeTo(
          path.resolve(environment.currentDirectory, options.to),
          await renderRunReports(store, wanted),
        );
  if (written.length === 0) {
    throw new UserError({
      code: "run.no-report",
      message: `run '${run}' has no finished report`,
      hint: plan.tasks.some(({ kind }) => kind === "report")
        ? `hueline status ${run} says what it waits for`
        : "its pipeline has no stage of kind report",
    });
  }
  const pages =
    validForMs === null
      ? written.map(({ page }) => page)
      : await Promise.all(
          written.map(async ({ object, page }) =>
            object === null ? page : await linkTo(store, object, validForMs),
          ),
        );
  if (validForMs !== null && !areLinksTimed(store))
    environment.stderr.write(UNTIMED_LINKS);
  const checks = written.map(({ value }) => checkReport(value));
  const failed = checks.flatMap((check) => check.failed);
  if (options.output === "json")
    printJson(environment.stdout, {
      run,
      pages,
      ok: failed.length === 0,
      failed,
    });
  else
    environment.stdout.write(
      formatPages(pages, options.check === true ? failed : null, environment),
    );
  return options.check === true && failed.length > 0 ? 1 : ExitCode.done;
}

async function writeTo(
  folder: string,
  reports: readonly RenderedReport[],
): Promise<readonly WrittenReport[]> {
  for (const { files } of reports)
    for (const [name, bytes] of files)
      await writeLocalFile(path.join(folder, name), bytes);
  return reports.map(({ task, value, page }) => ({
    task,
    value,
    page: path.join(folder, page),
    object: null,
  }));
}

function formatPages(
  pages: readonly string[],
  failed: readonly FailedVerdict[] | null,
  environment: Environment,
): string {
  const paint = painterFor(environment.stdout, environment.variables);
  const lines = [...pages];
  for (const { name, verdict, because } of failed ?? [])
    lines.push(`${paint("red", verdict)} ${name}: ${because}`);
  if (failed?.length === 0) lines.push(paint("green", "every claim holds"));
  return `${lines.join("\n")}\n`;
}
