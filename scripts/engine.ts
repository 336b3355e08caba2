/**
 * `npm run engine`: makes sure that this machine has the native engine, once per version.
 *
 * A ready engine costs a few file stats, so every npm command that needs the engine calls this first. This file reads
 * the command line and the environment and prints; the work is in `scripts/engine/`.
 */
import { homedir } from "node:os";
import { parseArgs } from "node:util";
import { ExitCode, toError, UserError } from "../src/base/errors.ts";
import {
  cacheRootOf,
  checkEngine,
  engineDirectory,
  findEngine,
  toEnginePlatform,
} from "../src/engine/location.ts";
import type { EnginePlatform } from "../src/engine/stamp.ts";
import type { BuildOptions } from "./engine/build.ts";

const HELP = `Usage: npm run engine [-- OPTIONS]

Fetches TensorFlow's native library (230 MB), builds the addons and keeps the result (510 MB) in
$XDG_CACHE_HOME/hueline/engine (default ~/.cache/hueline/engine). If it is there already, nothing happens.

  --cuda     with CUDA (2.4 GB download): for machines with an NVIDIA GPU
  --check    build nothing; read every byte of what is there, exit 65 if the engine is missing or broken
  --force    build again even if the engine is ready
  --quiet    no progress, errors only
  --help     this text

HUELINE_ENGINE=/folder names the engine's folder itself (for container images); it is built there if it does not exist.
`;

type Options = {
  readonly cuda: boolean;
  readonly check: boolean;
  readonly force: boolean;
  readonly quiet: boolean;
  readonly help: boolean;
};

function parseOptions(argv: readonly string[]): Options {
  const flag = { type: "boolean", default: false } as const;
  try {
    return parseArgs({
      args: [...argv],
      options: {
        cuda: flag,
        check: flag,
        force: flag,
        quiet: flag,
        help: flag,
      },
    }).values;
  } catch (cause) {
    throw new UserError({
      code: "engine.usage",
      message: toError(cause).message,
      hint: "npm run engine -- --help",
      exitCode: ExitCode.usage,
      cause,
    });
  }
}

function supportedPlatform(): EnginePlatform {
  const platform = toEnginePlatform(process.platform, process.arch);
  if (platform !== null) return platform;
  throw new UserError({
    code: "engine.platform",
    message: `The native engine exists for Linux on x64 and arm64; this is ${process.platform} on ${process.arch}.`,
    hint: "Use a Linux machine, a container or WSL 2.",
  });
}

async function main(signal: AbortSignal): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  const platform = supportedPlatform();
  const override = process.env["HUELINE_ENGINE"] || undefined;
  const cacheRoot = cacheRootOf(process.env["XDG_CACHE_HOME"], homedir());
  const variant = options.cuda ? "cuda" : "cpu";
  // Without --cuda any ready engine will do, a CUDA one too.
  const found =
    options.cuda || options.force
      ? (override ?? engineDirectory({ cacheRoot, platform, variant }))
      : findEngine({ cacheRoot, platform, override }).directory;
  if (options.check) {
    const { verifyEngine } = await import("./engine/verify.ts");
    await verifyEngine(found);
  } else if (options.force || checkEngine(found).kind !== "ready") {
    await build(found, {
      platform,
      variant,
      force: options.force,
      isOwnPlace: override === undefined,
      quiet: options.quiet,
      signal,
    });
  }
  if (!options.quiet) process.stdout.write(`engine ready: ${found}\n`);
}

/** Loads the builder only when there is something to build: a repeat stays instant. */
async function build(
  directory: string,
  options: Pick<
    BuildOptions,
    "platform" | "variant" | "force" | "isOwnPlace" | "signal"
  > & {
    readonly quiet: boolean;
  },
): Promise<void> {
  const [{ buildEngine }, { Progress }] = await Promise.all([
    import("./engine/build.ts"),
    import("./engine/progress.ts"),
  ]);
  const progress = new Progress({
    write: (text) => process.stderr.write(text),
    isTerminal: process.stderr.isTTY,
    quiet: options.quiet,
  });
  await buildEngine({ ...options, directory, env: process.env, progress });
}

function report(thrown: unknown, stoppedBy: NodeJS.Signals | null): number {
  if (stoppedBy !== null) {
    process.stderr.write(`\nStopped by ${stoppedBy}; nothing was installed.\n`);
    return stoppedBy === "SIGINT" ? 130 : ExitCode.stopped;
  }
  if (thrown instanceof UserError) {
    process.stderr.write(`\nerror ${thrown.code}: ${thrown.message}\n`);
    if (thrown.hint !== null) process.stderr.write(`  try: ${thrown.hint}\n`);
    return thrown.exitCode;
  }
  process.stderr.write(`${toError(thrown).stack}\n`);
  return ExitCode.bug;
}

const stop = new AbortController();
let stoppedBy: NodeJS.Signals | null = null;
for (const name of ["SIGINT", "SIGTERM"] as const)
  process.once(name, () => {
    stoppedBy = name;
    stop.abort();
  });
try {
  await main(stop.signal);
} catch (thrown) {
  process.exitCode = report(thrown, stoppedBy);
}
