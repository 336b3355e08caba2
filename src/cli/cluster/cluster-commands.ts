/** Commands that always mean a cluster. */
import { InvalidArgumentError, Option } from "commander";
import type { CommandDeclaration } from "../command-declaration.ts";
import {
  outputOption,
  paramOption,
  wholeNumberFrom,
} from "../common-options.ts";
import { connectionOptions } from "./cluster-options.ts";

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("Expected a number above 0.");
}

/** What a Run is, beside its pipeline. */
const runOptions = (): readonly Option[] => [
  paramOption(),
  new Option("--queue <name>", "the LocalQueue of Kueue that admits its Jobs"),
  new Option(
    "--priority <name>",
    "a PriorityClass (with --queue: a WorkloadPriorityClass)",
  ),
  new Option("--parallelism <n>", "tasks at once, at most; not with --queue")
    .argParser(wholeNumberFrom(1))
    .conflicts("queue"),
  new Option("--image <image>", "what its pods run, not the installation's"),
  new Option(
    "--gpu-resource <name>",
    "what `resources.gpu` counts, e.g. nvidia.com/gpu",
  ),
  new Option(
    "--credentials-secret <name>",
    "a Secret whose keys become variables of its pods",
  ),
  // Not by HUELINE_STORE: that is the store of this machine's runs.
  new Option("--store <url>", "s3://bucket/prefix, not the installation's"),
  new Option(
    "--budget-gpu-hours <hours>",
    "start nothing more when they are used up",
  ).argParser(positive),
  new Option(
    "--ttl <duration>",
    "remove the Run so long after its end; results stay",
  ),
];

const dryRunOption = () =>
  new Option("--dry-run", "let the server check it, and keep nothing");
const yesOption = (what: string) => new Option("--yes", what);

export const clusterCommands: readonly CommandDeclaration[] = [
  {
    usage: "submit <file>",
    summary: "run a pipeline in a cluster, once its receipt was agreed to",
    description:
      "Checks the file, creates a suspended Run, and shows what it would cost when the controller has planned it: tasks, what is " +
      "cached or shared, GPU-hours, quota. Starts it when you agree, else removes it. What is in the store already is not computed again.",
    options: [
      new Option("--name <name>", "of the Run (default: made of the file's)"),
      ...runOptions(),
      outputOption(),
      yesOption("start it without asking"),
      new Option("-w, --watch", "follow it to its end, as `run` does"),
      dryRunOption(),
      new Option(
        "--answer-within <duration>",
        "how long to wait for a controller to answer",
      ).default("30s"),
      ...connectionOptions(),
    ],
    load: async () => (await import("../commands/submit.ts")).submit,
  },
  {
    usage: "suspend <run>",
    summary:
      "stop what a Run has running after a checkpoint, and start nothing",
    options: [outputOption(), ...connectionOptions()],
    load: async () => (await import("./control.ts")).suspend,
  },
  {
    usage: "resume <run>",
    summary: "let a suspended Run go on",
    options: [outputOption(), ...connectionOptions()],
    load: async () => (await import("./control.ts")).resume,
  },
  {
    usage: "schedule <action> [name] [file]",
    summary:
      "Runs at moments of a clock: create, ls, show, backfill, trigger, …",
    description: [
      "Starts Runs of a pipeline at moments of a clock.",
      "",
      "  create NAME FILE --cron …   params may use ${schedule.time}, ${schedule.date}",
      "  ls                          the Schedules of the namespace",
      "  show NAME                   next moments, last results, what was skipped",
      "  suspend NAME, resume NAME   start no Runs; start them again",
      "  trigger NAME                start a Run now",
      "  backfill NAME --from … --to …   run moments of the past too",
      "  delete NAME                 with its Runs; results stay in the store",
    ].join("\n"),
    options: [
      new Option("--cron <fields>", "create: e.g. '30 2 * * MON-FRI', @daily"),
      new Option("--time-zone <name>", "create: IANA name (default: Etc/UTC)"),
      new Option(
        "--concurrency <policy>",
        "create: while a Run of it has not ended",
      ).choices(["Allow", "Forbid", "Replace"]),
      new Option(
        "--jitter <duration>",
        "create: start up to so long after the moment",
      ),
      new Option(
        "--deadline <duration>",
        "create: skip a moment that was missed by more",
      ),
      ...runOptions(),
      new Option("--from <time>", "backfill: 2026-01-31, or RFC 3339"),
      new Option("--to <time>", "backfill: the end, which is not run"),
      new Option(
        "--max-at-once <n>",
        "backfill: Runs at once (default: 1)",
      ).argParser(wholeNumberFrom(1)),
      outputOption(),
      yesOption("delete: also if Runs of it go on"),
      new Option("-w, --watch", "trigger: follow the Run to its end"),
      dryRunOption(),
      ...connectionOptions(),
    ],
    load: async () => (await import("../commands/schedule.ts")).schedule,
  },
];
