/**
 * One worker process from start to end. Owns its pipes, its log, and the two ways of ending it: SIGTERM, which lets
 * it save a checkpoint, and SIGKILL after a grace. Its stdin is a pipe that stays open: when the driver dies,
 * however it dies, the pipe closes and the worker stops by itself.
 *
 * It gets its own process group, so that Ctrl-C in a terminal reaches the driver alone, which then stops its workers
 * in order. It is signalled through the handle that started it, never by a number that may belong to another by now.
 */
import { spawn, type ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import type { Clock } from "../../base/clock.ts";
import type { ProcessEnd, StopRequest } from "./end-of-attempt.ts";
import type { MemoryProbe } from "./process-memory.ts";
import { createWorkerLog, type LogSink, type WorkerLog } from "./worker-log.ts";

const MEMORY_SAMPLE_MS = 1000;

export type WorkerProcess = {
  /** Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  readonly stopRequest: () => StopRequest | null;
  readonly progress: WorkerLog["lastProgress"];
  /** Asks it to stop after a checkpoint; kills it if it has not ended after `graceMs`. Asking again changes nothing. */
  stop(request: StopRequest, graceMs: number): void;
};

export type WorkerProcessOptions = {
  readonly command: readonly string[];
  readonly sink: LogSink;
  readonly clock: Clock;
  readonly memory: MemoryProbe;
};

export function startWorkerProcess(
  options: WorkerProcessOptions,
): WorkerProcess {
  const [program = "", ...args] = options.command;
  const log = createWorkerLog(options.sink);
  // Typed with nullable pipes: when the system has no descriptors left there are none.
  const child: ChildProcess = spawn(program, args, {
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const over = new AbortController();
  // Writing to a worker that is gone is no error of the driver's; nothing is ever written, but closing can meet it.
  child.stdin?.on("error", () => undefined);
  const ended = watch(child, log, options, over);
  let stopRequest: StopRequest | null = null;
  return {
    ended,
    stopRequest: () => stopRequest,
    progress: () => log.lastProgress(),
    stop(request, graceMs) {
      if (stopRequest !== null || over.signal.aborted) return;
      stopRequest = request;
      child.kill("SIGTERM");
      void options.clock.sleep(graceMs, over.signal).then(() => {
        if (!over.signal.aborted) child.kill("SIGKILL");
      });
    },
  };
}

async function watch(
  child: ChildProcess,
  log: WorkerLog,
  { memory, clock }: WorkerProcessOptions,
  over: AbortController,
): Promise<ProcessEnd> {
  const samples = sampleMemory(child, memory, clock, over.signal);
  const streams = [child.stdout, child.stderr].map((stream) =>
    drain(stream, log),
  );
  const spawnError = await closed(child);
  over.abort();
  await Promise.all(streams);
  const { peakBytes, oomKillsBefore } = await samples;
  const oomKillsAfter =
    child.signalCode === "SIGKILL" ? await memory.oomKills() : null;
  return {
    exitCode: spawnError === null ? child.exitCode : null,
    signal: child.signalCode,
    spawnError,
    lastError: log.lastError(),
    tail: log.tail(),
    peakBytes,
    oomKill:
      oomKillsAfter === null || oomKillsBefore === null
        ? null
        : oomKillsAfter > oomKillsBefore,
  };
}

/** Waits for the end; the system's message if the process could not even be started, else null. */
function closed(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve) => {
    child.on("close", () => {
      resolve(null);
    });
    child.on("error", (error) => {
      if (child.pid === undefined) resolve(error.message);
    });
  });
}

async function drain(stream: Readable | null, log: WorkerLog): Promise<void> {
  if (stream === null) return;
  const input = log.createInput();
  stream.on("data", (chunk: Uint8Array) => {
    input.push(chunk);
  });
  stream.on("error", () => undefined);
  await new Promise((resolve) => stream.on("close", resolve));
  input.end();
}

/** Peak memory while it lives (the kernel forgets it with the process), and the kernel's kills until shortly before its end. */
async function sampleMemory(
  { pid }: ChildProcess,
  memory: MemoryProbe,
  clock: Clock,
  over: AbortSignal,
) {
  let peakBytes: number | null = null;
  let oomKillsBefore: number | null = null;
  if (pid === undefined) return { peakBytes, oomKillsBefore };
  while (!over.aborted) {
    const [peak, kills] = await Promise.all([
      memory.peakBytes(pid),
      memory.oomKills(),
    ]);
    if (over.aborted) break;
    peakBytes = peak ?? peakBytes;
    oomKillsBefore = kills;
    await clock.sleep(MEMORY_SAMPLE_MS, over);
  }
  return { peakBytes, oomKillsBefore };
}
