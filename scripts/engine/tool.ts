/**
 * Runs other people's programs (pip, the compiler) and keeps the end of what they said for the error message.
 *
 * Their output is not shown while they work: progress is ours. A program that outlives its caller's patience is ended
 * through `signal`.
 */
import { spawn } from "node:child_process";
import { systemCode, toError } from "../../src/base/errors.ts";

const TAIL_LINES = 15;

export type ToolResult = {
  /** Exit code, or the name of the signal that ended it. */
  readonly status: number | NodeJS.Signals;
  readonly stdout: string;
  /** The last lines of both streams, as they came. */
  readonly tail: string;
};

export type ToolOptions = {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
};

/** Runs `command`; null when there is no such program. */
export async function runTool(
  command: string,
  args: readonly string[],
  { signal, ...options }: ToolOptions,
): Promise<ToolResult | null> {
  signal.throwIfAborted();
  const child = spawn(command, args, {
    ...options,
    signal,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let both = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    both += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    both += text;
  });
  try {
    const status = await new Promise<number | NodeJS.Signals>(
      (resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code, killedBy) =>
          resolve(code ?? killedBy ?? "SIGKILL"),
        );
      },
    );
    const lines = both.trimEnd().split("\n");
    return { status, stdout, tail: lines.slice(-TAIL_LINES).join("\n") };
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT" || systemCode(thrown) === "EACCES")
      return null;
    throw toError(thrown);
  }
}
