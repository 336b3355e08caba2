/**
 * Programs that are compared, each a process of its own that does one round per line on its standard input and answers with
 * one line of JSON; they take turns, so that a change of the machine's load meets all of them.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** What an arm says of one round; CPU seconds are user and system, of all its processes and threads. */
export type Round = {
  readonly images: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  /** Of the largest moment so far, over what it had before; where the arm measures it. */
  readonly peakBytes?: number;
  readonly says?: unknown;
};

export type Arm = {
  readonly name: string;
  round(): Promise<Round>;
  close(): Promise<void>;
};

export function startArm(name: string, command: readonly string[]): Arm {
  const program = startLineProgram(name, command);
  return {
    name,
    round: () => program.ask<Round>("round"),
    close: () => program.close(),
  };
}

/** A program that answers each line with one line of JSON. */
export type LineProgram = {
  ask<T>(line: string): Promise<T>;
  /** Closes its input, and waits for its end. */
  close(): Promise<void>;
};

/** Throws, when asked, if the program has ended. */
export function startLineProgram(
  name: string,
  [program = "", ...rest]: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): LineProgram {
  const child = spawn(program, rest, {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...environment },
  });
  const lines = createInterface({ input: child.stdout })[
    Symbol.asyncIterator
  ]();
  return {
    async ask<T>(line: string) {
      child.stdin.write(`${line}\n`);
      const answer = await lines.next();
      if (answer.done) throw new Error(`${name} ended without an answer`);
      return JSON.parse(answer.value) as T;
    },
    async close() {
      child.stdin.end();
      const isOver = child.exitCode !== null || child.signalCode !== null;
      if (!isOver) await once(child, "exit");
    },
  };
}

/** Rounds of all arms in turns; the first one is for warming up and does not count. */
export async function takeTurns(
  arms: readonly Arm[],
  rounds: number,
): Promise<ReadonlyMap<string, readonly Round[]>> {
  const counted = new Map<string, Round[]>();
  for (let round = 0; round <= rounds; round++)
    for (const arm of arms) {
      const result = await arm.round();
      if (round > 0)
        counted.set(arm.name, [...(counted.get(arm.name) ?? []), result]);
    }
  return counted;
}
