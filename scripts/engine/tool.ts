/**
 * Runs other people's programs (pip, the compiler) and keeps the end of what they said for the error message.
 *
 * Their output is not shown while they work: progress is ours. Each program runs in a process group of its own, so that
 * a stop reaches the compiler's and pip's own children too; and `runTool` returns only when all of them are gone, so
 * that nobody writes into a folder that the caller removes.
 */
import { spawn } from "node:child_process";
import { systemCode, toError } from "../../src/base/errors.ts";

const TAIL_LINES = 15;
const TAIL_CHARACTERS = 20_000;

export type ToolResult = {
  /** Exit code, or the name of the signal that ended it. */
  readonly status: number | NodeJS.Signals;
  /** The last lines of both streams, as they came. */
  readonly tail: string;
};

export type ToolOptions = {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
};

/** Runs `command`; null when there is no such program. Throws the signal's reason after a stop. */
export async function runTool(
  command: string,
  args: readonly string[],
  { env, signal }: ToolOptions,
): Promise<ToolResult | null> {
  signal.throwIfAborted();
  const child = spawn(command, args, {
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-TAIL_CHARACTERS);
    });
  const stop = (): void => killGroup(child.pid);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const status = await new Promise<ToolResult["status"]>(
      (resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code, killedBy) =>
          resolve(code ?? killedBy ?? "SIGKILL"),
        );
      },
    );
    signal.throwIfAborted();
    return { status, tail: lastLines(said) };
  } catch (thrown) {
    const code = systemCode(thrown);
    if (code === "ENOENT" || code === "EACCES") return null;
    throw toError(thrown);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function lastLines(text: string): string {
  return text.trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGTERM");
  } catch (thrown) {
    if (systemCode(thrown) !== "ESRCH") throw thrown;
  }
}
