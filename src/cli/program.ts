/**
 * The command line: names, options and help of every command; each command's code is imported when it runs, so
 * that `--help` loads nothing but this file. Usage errors end with 64 (docs/design.md, "Exit codes").
 */
import {
  Command,
  CommanderError,
  InvalidArgumentError,
  Option,
} from "commander";
import { ExitCode, toError, toExitCode } from "../base/errors.ts";
import type { Environment } from "./environment.ts";
import { formatError, painterFor } from "./output.ts";

const EXAMPLES = `
Examples:
  hueline validate pipelines/tiny.yaml     every mistake at once, with line and column
  hueline plan pipelines/tiny.yaml         what would run, what is cached, what it costs
  hueline run pipelines/tiny.yaml          run it here, without a cluster
  hueline status                           how the latest run is doing
  hueline report tiny --check              exit code 1 unless every claim holds

Artifacts are kept in a store: --store URL, HUELINE_STORE, or .hueline/ in the current folder.`;

const storeOption = () =>
  new Option(
    "--store <url>",
    "where artifacts are: a folder, file:///path or s3://bucket/prefix",
  ).env("HUELINE_STORE");
const outputOption = () =>
  new Option("-o, --output <format>", "how to print the result")
    .choices(["text", "json"])
    .default("text");
const paramOption = () =>
  new Option(
    "-p, --param <name=value>",
    "override a parameter of the file (may be repeated)",
  )
    .argParser((value: string, all: readonly string[]) => [...all, value])
    .default([] as readonly string[], "none");

/** The parser of an option that takes a whole number. */
function wholeNumberFrom(least: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`Expected a whole number from ${least}.`);
    return value;
  };
}

type Action = (
  environment: Environment,
  args: readonly string[],
  options: never,
) => Promise<number>;

type CommandDeclaration = {
  readonly usage: string;
  readonly summary: string;
  readonly description?: string;
  readonly hidden?: boolean;
  readonly options: readonly Option[];
  readonly load: () => Promise<Action>;
};

const commands: readonly CommandDeclaration[] = [
  {
    usage: "validate <file>",
    summary:
      "check a pipeline file: every mistake at once, with line and column",
    options: [paramOption(), outputOption()],
    load: async () => (await import("./commands/validate.ts")).validate,
  },
  {
    usage: "plan <file>",
    summary: "show what would run, what is cached, and the critical path",
    description:
      "Expands the file and compares it with the store. Nothing is started and nothing is written.\n" +
      "With --why, names what changed the key of each task that is not cached, against the latest run of the same pipeline.",
    options: [
      paramOption(),
      storeOption(),
      outputOption(),
      new Option("--why", "name what changed each key since the latest run"),
      new Option("--tasks", "list every task"),
    ],
    load: async () => (await import("./commands/plan.ts")).plan,
  },
  {
    usage: "run <file>",
    summary: "run a pipeline on this machine",
    description:
      "Starts a worker process per task, bounded by cores and declared memory. Running the same file again resumes it, or joins it\n" +
      "if it is running. What is in the store already is not computed again. Ctrl-C stops after a checkpoint.",
    options: [
      paramOption(),
      storeOption(),
      outputOption(),
      new Option("--cpus <n>", "use at most this many cores").argParser(
        wholeNumberFrom(1),
      ),
      new Option("--memory <size>", "use at most this much memory, e.g. 8Gi"),
    ],
    load: async () => (await import("./commands/run.ts")).run,
  },
  {
    usage: "status [run]",
    summary: "show the state of a run (the latest one by default)",
    options: [
      storeOption(),
      outputOption(),
      new Option("-w, --watch", "follow until the run ends"),
    ],
    load: async () => (await import("./commands/status.ts")).status,
  },
  {
    usage: "logs <run> [task]",
    summary: "print the logs of a run's tasks",
    options: [
      storeOption(),
      outputOption(),
      new Option("-f, --follow", "go on until the task or the run ends"),
    ],
    load: async () => (await import("./commands/logs.ts")).logs,
  },
  {
    usage: "cancel <run>",
    summary: "stop a run after a checkpoint",
    options: [storeOption(), outputOption()],
    load: async () => (await import("./commands/control.ts")).cancel,
  },
  {
    usage: "retry <run> [task]",
    summary: "try failed tasks again: one, or all of a run",
    options: [storeOption(), outputOption()],
    load: async () => (await import("./commands/control.ts")).retry,
  },
  {
    usage: "pull <run> [destination]",
    summary: "copy report, metrics and weights of a run, checksums verified",
    options: [
      storeOption(),
      outputOption(),
      new Option("--only <what>", "a part of it").choices([
        "report",
        "metrics",
        "weights",
      ]),
    ],
    load: async () => (await import("./commands/pull.ts")).pull,
  },
  {
    usage: "report <run>",
    summary:
      "render the report of a run again; --check makes verdicts an exit code",
    options: [
      storeOption(),
      outputOption(),
      new Option("--check", "exit with 1 unless every claim holds"),
      new Option(
        "--to <folder>",
        "where to write it (default: the run's own folder)",
      ),
    ],
    load: async () => (await import("./commands/report.ts")).report,
  },
  {
    usage: "data <action> <artifact> [sample]",
    summary: "inspect a dataset: ls, verify, cat, order",
    description:
      "ls DATASET shows shards, classes and what was left out; verify DATASET checks every checksum; cat DATASET SAMPLE writes one\n" +
      "image to stdout; order DATASET prints the sample order of an epoch. DATASET is a key, or RUN/STAGE.",
    options: [
      storeOption(),
      outputOption(),
      new Option("--seed <n>", "order: the seed")
        .argParser(wholeNumberFrom(0))
        .default(0),
      new Option("--epoch <n>", "order: the epoch")
        .argParser(wholeNumberFrom(0))
        .default(0),
      new Option("--limit <n>", "order: how many")
        .argParser(wholeNumberFrom(1))
        .default(20),
    ],
    load: async () => (await import("./commands/data.ts")).data,
  },
  {
    usage: "colorize <weights> <images...>",
    summary: "colour pictures with a pretrained colorizer",
    description:
      "WEIGHTS is the key of a pretrain artifact, or RUN/STAGE. Writes NAME.colorized.png files.",
    options: [
      storeOption(),
      outputOption(),
      new Option("--to <folder>", "where to write").default("."),
    ],
    load: async () => (await import("./commands/colorize.ts")).colorize,
  },
  {
    usage: "doctor",
    summary:
      "check this machine: Node, engine, store, memory; say what to mend",
    options: [storeOption(), outputOption()],
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
  {
    usage: "completion <shell>",
    summary: "print a completion script for bash, zsh or fish",
    options: [],
    load: async () => {
      const { completion } = await import("./commands/completion.ts");
      return (environment, args) =>
        completion(
          environment,
          args,
          commands.filter(({ hidden }) => hidden !== true),
        );
    },
  },
  {
    usage: "worker",
    summary: "run one task of a run (what executors start)",
    hidden: true,
    options: [
      storeOption(),
      new Option("--run <run>", "the run").makeOptionMandatory(),
      new Option("--task <task>", "the task").makeOptionMandatory(),
    ],
    load: async () => (await import("./commands/worker.ts")).worker,
  },
];

/** Runs the command line of `environment` and returns the exit code; never throws, never exits. */
export async function runProgram(
  environment: Environment,
  version: string,
): Promise<number> {
  let exitCode: number = ExitCode.done;
  const program = new Command("hueline")
    .description(
      "Expands a pipeline file into tasks, runs them, and ends in the table that a paper prints.",
    )
    .version(version)
    .addHelpText("after", EXAMPLES)
    .showSuggestionAfterError()
    .showHelpAfterError("(hueline --help lists the commands)")
    .configureOutput({
      writeOut: (text) => {
        environment.stdout.write(text);
      },
      writeErr: (text) => {
        environment.stderr.write(text);
      },
      getOutHelpWidth: () => Math.min(environment.stdout.columns, 110),
      getOutHasColors: () => environment.stdout.isTerminal,
    })
    .exitOverride();
  for (const declaration of commands) {
    const command = program
      .command(declaration.usage, { hidden: declaration.hidden ?? false })
      .summary(declaration.summary)
      .description(declaration.description ?? sentence(declaration.summary));
    for (const option of declaration.options) command.addOption(option);
    command.action(async (...parameters: unknown[]) => {
      const positional = parameters
        .slice(0, -2)
        .flat()
        .filter((value) => value !== undefined);
      const action = await declaration.load();
      exitCode = await action(
        environment,
        positional as string[],
        command.opts<never>(),
      );
    });
  }
  try {
    await program.parseAsync([...environment.arguments], { from: "user" });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError)
      return thrown.exitCode === 0 ? ExitCode.done : ExitCode.usage;
    const error = toError(thrown);
    environment.stderr.write(
      formatError(error, painterFor(environment.stderr, environment.variables)),
    );
    return toExitCode(error);
  }
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}
