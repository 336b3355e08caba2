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
  const [program = "", ...rest] = command;
  const child = spawn(program, rest, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[
    Symbol.asyncIterator
  ]();
  return {
    name,
    async round() {
      child.stdin.write("round\n");
      const line = await lines.next();
      if (line.done) throw new Error(`${name} ended in the middle of a round`);
      return JSON.parse(line.value) as Round;
    },
    async close() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, "exit");
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
