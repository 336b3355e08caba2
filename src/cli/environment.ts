/**
 * What a command may touch of the world: given by `main.ts`, so that commands can be tested without a process.
 * Heavy work (TensorFlow, image decoding) is behind `services`, each loaded when it is first called.
 */
import type { ExitCode } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";

export type TextOutput = {
  write(text: string): void;
  /** A person looks at it: live lines and colours are welcome. */
  readonly isTerminal: boolean;
  readonly columns: number;
};

/** Work that the command line offers but other rooms do, loaded late. */
export type Services = {
  /** The content of a place that a pipeline reads, as one string (docs/design.md, keys). */
  fingerprint(options: {
    readonly place: string;
    readonly format: string;
    readonly split: string;
  }): Promise<string>;
  worker(options: {
    readonly storeUrl: string;
    readonly run: string;
    readonly task: string;
  }): Promise<ExitCode>;
  colorize(options: ColorizeRequest): Promise<readonly ColorizedPicture[]>;
  data(): Promise<typeof import("../data/inspect.ts")>;
};

export type ColorizeRequest = {
  readonly storeUrl: string;
  /** The key of a pretrain artifact. */
  readonly key: string;
  readonly images: readonly string[];
  readonly outputDirectory: string;
};

export type ColorizedPicture = {
  readonly image: string;
  readonly output: string;
};

export type Environment = {
  readonly arguments: readonly string[];
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly currentDirectory: string;
  readonly homeDirectory: string;
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** The command line that starts this program again: node, flags, main file. */
  readonly self: readonly string[];
  readonly nodeVersion: string;
  readonly host: {
    readonly cpus: number;
    readonly memoryBytes: number;
    readonly name: string;
    readonly pid: number;
    readonly platform: string;
    readonly architecture: string;
  };
  readonly services: Services;
};
