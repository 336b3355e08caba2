/** A child process that prints lines: waits for them, kills it, and tells what it had said. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as readline from "node:readline";

export type LineChild = {
  readonly pid: number;
  /** All lines so far. */
  readonly lines: readonly string[];
  /** Resolves at the given number of lines; rejects if the process ends before. */
  untilLines(count: number): Promise<void>;
  /** kill -9, and everything that it had printed is in `lines`. */
  kill(): Promise<void>;
};

export function startLines(script: string, args: readonly string[]): LineChild {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  const errors: string[] = [];
  let wake: (() => void) | null = null;
  const output = readline.createInterface({ input: child.stdout });
  output.on("line", (line) => {
    lines.push(line);
    wake?.();
  });
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk.toString()));
  const ended = Promise.all([once(child, "close"), once(output, "close")]);
  let isOver = false;
  void ended.then(() => {
    isOver = true;
    wake?.();
  });
  return {
    pid: child.pid ?? 0,
    lines,
    async untilLines(count) {
      while (lines.length < count) {
        if (isOver) throw new Error(`it ended early: ${errors.join("")}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    async kill() {
      child.kill("SIGKILL");
      await ended;
      if (errors.length > 0) throw new Error(errors.join(""));
    },
  };
}
