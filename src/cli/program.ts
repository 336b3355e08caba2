/**
 * The command line: a parser made from the table of commands (`command-table.ts`); each command's code is imported when
 * it runs, so that `--help` loads nothing else. Usage errors end with 64 (docs/design.md, "Exit codes").
 */
import { Command, CommanderError } from "commander";
import { ExitCode, toError, toExitCode } from "../base/errors.ts";
import { commands } from "./command-table.ts";
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
