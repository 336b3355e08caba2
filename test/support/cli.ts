/** Runs the command line in this process, against a temporary folder, and keeps what it wrote. */
import { systemClock, type Clock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import type {
  Environment,
  Services,
  TextOutput,
} from "../../src/cli/environment.ts";
import { runProgram } from "../../src/cli/program.ts";

export type CliResult = {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
};

const refuse = (): never => {
  throw new Error("this test has no such service");
};

/** An output that remembers. */
export function createMemoryOutput(
  options: { readonly isTerminal?: boolean } = {},
): TextOutput & { text(): string } {
  let written = "";
  return {
    write: (text) => {
      written += text;
    },
    writeBytes: (bytes) => {
      written += new TextDecoder("latin1").decode(bytes);
    },
    isTerminal: options.isTerminal ?? false,
    columns: 100,
    text: () => written,
  };
}

type CliOptions = {
  readonly currentDirectory: string;
  readonly services?: Partial<Services>;
  readonly variables?: Environment["variables"];
  readonly isTerminal?: boolean;
  readonly clock?: Clock;
  /** What a person answers when asked; absent: nobody can. */
  readonly answer?: string;
  readonly signal?: AbortSignal;
};

/** What a command is given; services refuse unless given. */
export function createEnvironment(
  args: readonly string[],
  options: CliOptions,
): Environment & Record<"stdout" | "stderr", { text(): string }> {
  const isTerminal = options.isTerminal ?? false;
  return {
    arguments: args,
    variables: options.variables ?? {},
    currentDirectory: options.currentDirectory,
    homeDirectory: options.currentDirectory,
    stdout: createMemoryOutput({ isTerminal }),
    stderr: createMemoryOutput({ isTerminal }),
    ask: async () => options.answer ?? null,
    clock: options.clock ?? systemClock,
    log: silentLogger,
    signal: options.signal ?? new AbortController().signal,
    self: [process.execPath],
    nodeVersion: process.version,
    host: {
      cpus: 2,
      memoryBytes: 8 * 2 ** 30,
      name: "test",
      pid: process.pid,
      platform: "linux",
      architecture: "x64",
    },
    services: {
      fingerprint: async ({ place }) => `fingerprint of ${place}`,
      worker: refuse,
      controller: refuse,
      colorize: refuse,
      trainingMemory: refuse,
      data: refuse,
      weights: refuse,
      features: refuse,
      ...options.services,
    },
  };
}

/** Runs `hueline <args>`. */
export async function runCli(
  args: readonly string[],
  options: CliOptions,
): Promise<CliResult> {
  const environment = createEnvironment(args, options);
  const exitCode = await runProgram(environment, "0.0.0-test");
  const { stdout, stderr } = environment;
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}
