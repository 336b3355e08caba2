/**
 * `hueline pull`: copies what a run has finished into a folder, checksums verified, with a SHA256SUMS beside it; of a run
 * that goes on, what there is, and what is missing is said. An interrupted pull goes on where it was.
 */
import path from "node:path";
import { ExitCode, UserError } from "../../base/errors.ts";
import type { Task } from "../../plan/plan.ts";
import { isCommitted } from "../../store/artifacts/manifest.ts";
import type { Store } from "../../store/store.ts";
import {
  isOfCluster,
  type ClusterOptions,
} from "../cluster/cluster-options.ts";
import type { Environment } from "../environment.ts";
import { isOver, lookAtRun } from "../look-at-run.ts";
import { openRun } from "../open-run.ts";
import { printJson, type OutputFormat } from "../output.ts";
import { copyFiles } from "../pull/copy-files.ts";
import {
  createDestinationLock,
  type DestinationLock,
} from "../pull/destination-lock.ts";
import {
  formatMissing,
  formatPulled,
  pulledToJson,
  type Pulled,
} from "../pull/describe-pull.ts";
import {
  areLinksTimed,
  linkFiles,
  UNTIMED_LINKS,
  writeLinks,
} from "../pull/links.ts";
import { writeSums } from "../pull/local-copies.ts";
import {
  pullPartial,
  removePartial,
  type PartialResult,
} from "../pull/partial-results.ts";
import {
  selectFiles,
  selectTasks,
  type Part,
  type WantedFile,
} from "../pull/select-files.ts";
import { readManifests } from "../run-artifacts.ts";
import { durationOption } from "../unit-options.ts";

const LOOK_EVERY_MS = 1000;
const LINKS_VALID = "7d";

type PullOptions = ClusterOptions & {
  readonly store?: string;
  readonly output: OutputFormat;
  readonly only?: Part;
  readonly task: readonly string[];
  readonly verify?: boolean;
  readonly partial?: boolean;
  readonly wait?: boolean;
  /** True: for the default time. */
  readonly links?: string | true;
};

type Request = {
  readonly environment: Environment;
  readonly options: PullOptions;
  readonly store: Store;
  readonly run: string;
  readonly tasks: readonly Task[];
  readonly folder: string;
  /** Taken before anything is written: a run without results makes no folder. */
  readonly lock: DestinationLock;
};

export async function pull(
  environment: Environment,
  [given = "", destination]: readonly string[],
  options: PullOptions,
): Promise<number> {
  checkTogether(options);
  const { store, run, plan } = await openRun(environment, given, options);
  const tasks = selectTasks(plan.tasks, options.task);
  const folder = path.resolve(environment.currentDirectory, destination ?? run);
  const lock = createDestinationLock({ environment, run, folder });
  const request = { environment, options, store, run, tasks, folder, lock };
  try {
    return options.links === undefined
      ? await copyRun(request)
      : await printLinks(request, destination !== undefined);
  } catch (thrown) {
    if (!environment.signal.aborted || options.links !== undefined)
      throw thrown;
    environment.stderr.write(
      `stopped; what has come is in ${folder}, and the same pull goes on\n`,
    );
    return ExitCode.stopped;
  } finally {
    await lock.release();
  }
}

function checkTogether({ links, wait, partial, verify }: PullOptions): void {
  if (links === undefined || !(wait || partial || verify)) return;
  throw new UserError({
    code: "cli.option",
    message: "--links copies nothing: --wait, --partial and --verify do",
    exitCode: ExitCode.usage,
  });
}

async function copyRun(request: Request): Promise<number> {
  const { environment, options, store, run, tasks } = request;
  const { clock, signal, stderr } = environment;
  const copied: WantedFile[] = [];
  let found: Awaited<ReturnType<typeof readManifests>> = [];
  let seenAtMs: number | null = null;
  let said = "";
  for (;;) {
    // In this order: a run ends after its last commit.
    const view = await lookAtRun(store, run, environment);
    const missing = without(tasks, found);
    // A status that says nothing new has no new commit behind it.
    const fresh =
      seenAtMs !== null && seenAtMs === view.updatedAtMs && !isOver(view.status)
        ? []
        : await readManifests(store, missing);
    seenAtMs = view.updatedAtMs;
    found = [...found, ...fresh];
    const files = selectFiles(found, options.only);
    if (fresh.length > 0)
      copied.push(...(await copyTasks(request, files, fresh)));
    const left = without(tasks, found);
    if (
      options.wait !== true ||
      left.length === 0 ||
      isOver(view.status) ||
      signal.aborted
    )
      return await finish(request, {
        files,
        copied,
        view,
        missing: left,
        finishedTasks: found.length,
      });
    // A line where something has begun or ended, not one a step.
    const nobody = view.driver === null ? whatToDo(request) : "";
    const waits = `${formatMissing({ ...view, progress: [] }, left)}${nobody}`;
    if (waits !== said) stderr.write(`waiting: ${waits}\n`);
    said = waits;
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

/** Where nobody drives the run. */
function whatToDo({ environment, options }: Request): string {
  return isOfCluster(options, environment)
    ? "; no controller drives the Run now: it waits, or is suspended"
    : "; nobody drives the run now: run its pipeline again to go on";
}

/** Copies the files of the tasks that were found just now, and lists all. */
async function copyTasks(
  { environment, options, store, folder, lock }: Request,
  files: readonly WantedFile[],
  fresh: readonly { readonly task: Task }[],
): Promise<readonly WantedFile[]> {
  if (files.length > 0) await lock.take();
  const names = new Set(fresh.map(({ task }) => task.name));
  const own = files.filter(({ task }) => names.has(task));
  const verify = options.verify === true;
  const copied = await copyFiles(store, own, { folder, verify, environment });
  if (files.length > 0) await writeSums(folder, files);
  for (const name of names)
    if (!own.some((file) => file.name.startsWith(`${name}/partial/`)))
      await removePartial(folder, name);
  return copied;
}

function without(
  tasks: readonly Task[],
  found: readonly { readonly task: Task }[],
): readonly Task[] {
  const done = new Set(found.map(({ task }) => task.name));
  return tasks.filter(({ name }) => !done.has(name));
}

async function finish(
  request: Request,
  results: Pick<
    Pulled,
    "files" | "copied" | "view" | "missing" | "finishedTasks"
  >,
): Promise<number> {
  const { environment, options, run, folder } = request;
  const { missing } = results;
  const pulled: Pulled = {
    ...results,
    run,
    folder,
    only: options.only,
    partial:
      options.partial === true ? await pullPartials(request, missing) : null,
    isReadBack: options.verify === true,
  };
  if (options.output === "json")
    printJson(environment.stdout, pulledToJson(pulled));
  else environment.stdout.write(formatPulled(pulled));
  if (environment.signal.aborted) return ExitCode.stopped;
  return options.wait === true && missing.length > 0 ? 1 : ExitCode.done;
}

async function pullPartials(
  { store, folder, lock, environment: { signal } }: Request,
  missing: readonly Task[],
): Promise<readonly PartialResult[]> {
  const results: PartialResult[] = [];
  for (const task of missing) {
    // Its checkpoints go when it is committed; the next pull has the result.
    if (await isCommitted(store, task.key)) continue;
    const result = await pullPartial(store, task, { folder, lock, signal });
    if (result !== null) results.push(result);
  }
  return results;
}

async function printLinks(
  { environment, options, store, run, tasks, folder, lock }: Request,
  isToFolder: boolean,
): Promise<ExitCode> {
  const text = options.links === true ? LINKS_VALID : (options.links ?? "");
  const validForMs = durationOption("--links", text);
  const isTimed = areLinksTimed(store);
  const expiresAtMs = isTimed ? environment.clock.now() + validForMs : null;
  const found = await readManifests(store, tasks);
  const files = selectFiles(found, options.only);
  const links = await linkFiles(store, files, validForMs);
  if (isToFolder) {
    await lock.take();
    await writeLinks(folder, links);
  }
  const unfinishedTasks = tasks.length - found.length;
  const missing =
    unfinishedTasks === 0
      ? ""
      : `${unfinishedTasks} of ${tasks.length} tasks have not finished: what they will have has no links yet\n`;
  if (options.output === "json")
    printJson(environment.stdout, { run, expiresAtMs, unfinishedTasks, links });
  else if (isToFolder)
    environment.stdout.write(
      `${path.join(folder, "links.txt")}: ${links.length} links${isTimed ? `, valid for ${text}` : ""}\n`,
    );
  else
    environment.stdout.write(
      links.map(({ name, url }) => `${name}\t${url}\n`).join(""),
    );
  environment.stderr.write(missing);
  if (!isTimed) environment.stderr.write(UNTIMED_LINKS);
  return ExitCode.done;
}
