/**
 * Writes the lines of tasks: people get words, elsewhere lines are as the workers wrote them, and with `-o json` each one
 * is JSON that names its task.
 */
import type { Environment } from "../environment.ts";
import { formatLogLine, toJsonLine } from "../log-line.ts";
import { painterFor, type OutputFormat } from "../output.ts";

export type LinePrinter = (task: string, line: string) => void;

/** @param options.isOnly only one task is shown: its lines need not say which. */
export function createLinePrinter(
  { stdout, variables }: Pick<Environment, "stdout" | "variables">,
  {
    output,
    isOnly,
  }: { readonly output: OutputFormat; readonly isOnly: boolean },
): LinePrinter {
  const paint = painterFor(stdout, variables);
  const format = (task: string, line: string): string => {
    if (output === "json") return toJsonLine(line, task);
    const shown = stdout.isTerminal ? formatLogLine(line, paint) : line;
    return isOnly ? shown : `[${task}] ${shown}`;
  };
  return (task, line) => {
    stdout.write(`${format(task, line)}\n`);
  };
}
