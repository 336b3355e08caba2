#!/usr/bin/env node
/**
 * The one imperative entry: argv, environment, signals, exit code, wiring. The only file that reads `process`
 * (docs/design.md, "Rooms"). Every heavy part is imported when a command first asks for it.
 */
import { readFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "./base/clock.ts";
import { ExitCode, toError, TransientError, UserError } from "./base/errors.ts";
import { silentLogger, type LogFields, type Logger } from "./base/log.ts";
import type { Environment, Services, TextOutput } from "./cli/environment.ts";
import { runProgram } from "./cli/program.ts";
import type { StoreLog } from "./worker/store-log.ts";

enableCompileCache();

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // Asked twice: whoever asks does not want to wait for checkpoints. Workers see their pipe close and save theirs.
    if (stopping.signal.aborted) process.exit(ExitCode.stopped);
    stopping.abort(signal);
  });
}

/** Says an error that no promise of ours waited for; a worker says it as the JSON line that its executor reads. */
let reportBug = (thrown: unknown): void => {
  const text = thrown instanceof Error ? thrown.stack : String(thrown);
  process.stderr.write(`error: ${text}\n`);
};
// Also for rejections that nobody handles. Node's own end would be exit code 1, which means that a task has failed.
process.on("uncaughtException", (thrown) => {
  reportBug(thrown);
  exitAfterLastWords(ExitCode.bug);
});

/** What has been said but not yet sent. */
let sendLastWords = (): Promise<void> => Promise.resolve();

function exitAfterLastWords(exitCode: ExitCode): void {
  void sendLastWords().finally(() => process.exit(exitCode));
}

/** `hueline logs -f | head` closes our stdout: that is no error of ours, but nobody reads what would follow. */
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  stopping.abort("nobody reads stdout");
});
/** `hueline run 2>&1 | head` closes stderr: the run goes on without words. */
process.stderr.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

function toTextOutput(stream: NodeJS.WriteStream): TextOutput {
  return {
    write: (text) => {
      stream.write(text);
    },
    writeBytes: (bytes) => {
      stream.write(bytes);
    },
    isTerminal: stream.isTTY,
    // Asked each time: people resize their windows.
    get columns() {
      // A pseudo-terminal that nobody gave a size has 0.
      return stream.columns > 0 ? stream.columns : 80;
    },
  };
}

async function ask(question: string): Promise<string | null> {
  if (!process.stdin.isTTY) return null;
  const { createInterface } = await import("node:readline/promises");
  const [input, output] = [process.stdin, process.stderr];
  const terminal = createInterface({ input, output });
  const { signal } = stopping;
  try {
    return await terminal.question(question, { signal });
  } catch (thrown) {
    if (signal.aborted) return "";
    throw thrown;
  } finally {
    terminal.close();
  }
}

/** What a container may use, where there is a limit; else what the machine has. */
function availableMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, os.totalmem()) : os.totalmem();
}

/** For commands: warnings and errors as lines on stderr; what goes well shows in what the command prints. */
function createTerminalLog(): Logger {
  const write =
    (level: string) =>
    (fields: LogFields, message: string): void => {
      const values = Object.entries(fields).map(
        ([name, value]) => ` ${name}=${String(value)}`,
      );
      process.stderr.write(`${level}: ${message}${values.join("")}\n`);
    };
  const log: Logger = {
    ...silentLogger,
    error: write("error"),
    warn: write("warning"),
    child: () => log,
  };
  return log;
}

/** What a log line says of an error: a bug has its stack, what somebody can mend has none. */
function describeError(thrown: unknown): object {
  const { name, message, stack } = toError(thrown);
  const isExpected =
    thrown instanceof UserError || thrown instanceof TransientError;
  return isExpected ? { code: thrown.code, message } : { name, message, stack };
}

/** JSON lines on stdout, written at once: last words must not be lost. `tee` gets each line too. */
async function createJsonLog({
  level = "info",
  tee,
}: {
  readonly level?: string | undefined;
  readonly tee?: ((line: string) => void) | undefined;
}): Promise<{ readonly log: Logger }> {
  const { pino, destination, stdTimeFunctions } = await import("pino");
  const stdout = destination({ dest: 1, sync: true });
  const write = (line: string): void => {
    stdout.write(line);
    tee?.(line);
  };
  const log = pino(
    {
      base: null,
      level,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
    },
    { write },
  );
  // In an object: TypeScript takes a pino logger, which has any property, for something to await.
  return { log };
}

/**
 * A worker stops after a checkpoint when it is told to, or when the pipe to its driver closes: the driver is gone. A
 * detached one has no driver, and in a container its stdin is closed from the start.
 */
function stopSignalOf(isDetached: boolean): AbortSignal {
  if (!isDetached && !process.stdin.isTTY) {
    process.stdin.on("end", () => {
      stopping.abort("the driver is gone");
    });
    process.stdin.on("error", () => {
      stopping.abort("the driver is gone");
    });
    process.stdin.resume();
    process.stdin.unref?.();
  }
  return stopping.signal;
}

async function engineDirectory(): Promise<string> {
  const { cacheRootOf, findEngine, toEnginePlatform } =
    await import("./engine/location.ts");
  const platform = toEnginePlatform(process.platform, process.arch);
  if (platform === null) {
    throw new UserError({
      code: "engine.platform",
      message: `TensorFlow's native library is used on Linux, x64 or arm64; this is ${process.platform} ${process.arch}`,
      hint: "run hueline in a Linux container or virtual machine",
    });
  }
  const cacheRoot = cacheRootOf(process.env["XDG_CACHE_HOME"], os.homedir());
  return findEngine({
    cacheRoot,
    platform,
    override: process.env["HUELINE_ENGINE"],
  }).directory;
}

const version = (
  JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  ) as { version: string }
).version;

const cacheRoot = async (): Promise<string> => {
  const { cacheRootOf } = await import("./engine/location.ts");
  return cacheRootOf(process.env["XDG_CACHE_HOME"], os.homedir());
};

async function startWorker(
  request: Parameters<Services["worker"]>[0],
  log: Logger,
  storeLog: StoreLog | null,
): Promise<ExitCode> {
  const { storeUrl, run, task, graceMs, isDetached } = request;
  const [
    { runWorker },
    { toLoaderCache },
    { openStore },
    { stages },
    { TENSORFLOW_VERSION },
  ] = await Promise.all([
    import("./worker/run-task.ts"),
    import("./worker/loader-cache.ts"),
    import("./store/open-store.ts"),
    import("./stages/stages.ts"),
    import("./engine/location.ts"),
  ]);
  const store = openStore(storeUrl, {
    currentFolder: process.cwd(),
    variables: process.env,
  });
  return await runWorker({
    store,
    run,
    task,
    engineDirectory: await engineDirectory(),
    cache: toLoaderCache(process.env),
    signal: stopSignalOf(isDetached),
    keepsTime: isDetached,
    grace: { ms: graceMs, end: exitAfterLastWords },
    onTask: (name) => storeLog?.open({ store, run, task: name, log }),
    log,
    stages,
    facts: {
      hueline: version,
      node: process.version,
      tensorflow: TENSORFLOW_VERSION,
      host: os.hostname(),
      pid: process.pid,
      usage: () => {
        const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
        return {
          cpuMs: (userCPUTime + systemCPUTime) / 1000,
          peakMemoryBytes: maxRSS * 1024,
        };
      },
    },
  });
}

const services: Services = {
  async fingerprint(place) {
    const { fingerprintSource } = await import("./data/fingerprint.ts");
    return await fingerprintSource({
      ...place,
      cacheDirectory: path.join(await cacheRoot(), "hueline", "fingerprints"),
    });
  },
  async worker(request) {
    const { run, task, logsToStore } = request;
    const { createStoreLog } = await import("./worker/store-log.ts");
    const storeLog = logsToStore ? createStoreLog(systemClock) : null;
    const tee = storeLog?.write;
    const fields = typeof task === "string" ? { run, task } : { run, ...task };
    const log = (await createJsonLog({ tee })).log.child(fields);
    const { reportFailure } = await import("./worker/exit-code.ts");
    reportBug = (thrown) => reportFailure(thrown, log);
    sendLastWords = async () => storeLog?.close();
    try {
      return await startWorker(request, log, storeLog);
    } catch (thrown) {
      return reportFailure(thrown, log);
    } finally {
      await sendLastWords();
    }
  },
  async controller(request) {
    const { log } = await createJsonLog({ level: request.logLevel });
    const [{ runController }, { openStore }] = await Promise.all([
      import("./controller/service/run-controller.ts"),
      import("./store/open-store.ts"),
    ]);
    return await runController({
      ...request,
      fingerprint: services.fingerprint,
      openStore: (url) =>
        openStore(url, {
          currentFolder: process.cwd(),
          variables: process.env,
        }),
      env: process.env,
      host: os.hostname(),
      pid: process.pid,
      userAgent: `hueline-controller/${version}`,
      clock: systemClock,
      random: Math.random,
      cpuMs() {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1000;
      },
      log,
      signal: stopping.signal,
    });
  },
  async colorize(request) {
    const { colorizeImages } = await import("./stages/colorize-images.ts");
    return await colorizeImages({
      ...request,
      engine: {
        directory: await engineDirectory(),
        threads: os.availableParallelism(),
      },
    });
  },
  async trainingMemory(tasks) {
    const { trainingMemoryOf } = await import("./stages/training-memory.ts");
    return trainingMemoryOf(tasks);
  },
  data: async () => await import("./data/data-service.ts"),
  weights: async () => await import("./stages/weights/weight-service.ts"),
  async features(request) {
    const { writeFeatures } = await import("./stages/weights/features.ts");
    return await writeFeatures({
      ...request,
      engine: {
        directory: await engineDirectory(),
        threads: os.availableParallelism(),
      },
    });
  },
};

const environment: Environment = {
  arguments: process.argv.slice(2),
  variables: process.env,
  currentDirectory: process.cwd(),
  homeDirectory: os.homedir(),
  stdout: toTextOutput(process.stdout),
  stderr: toTextOutput(process.stderr),
  ask,
  clock: systemClock,
  log: createTerminalLog(),
  signal: stopping.signal,
  self: [process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)],
  nodeVersion: process.version,
  host: {
    cpus: os.availableParallelism(),
    memoryBytes: availableMemory(),
    name: os.hostname(),
    pid: process.pid,
    platform: process.platform,
    architecture: process.arch,
  },
  services,
};

process.exitCode = await runProgram(environment, version);
