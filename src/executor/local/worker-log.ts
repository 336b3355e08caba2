/**
 * What a worker says, line by line: JSON lines from its logger, and whatever libraries print. Everything is kept in
 * the run's log; a few lines mean something to the executor: progress, and the last error, which becomes the reason
 * of a failed attempt (invariant G). Nothing here trusts a worker: long lines are cut, odd ones are only text.
 */
import type { StageError, WorkerLine } from "../worker-line.ts";
import { readWorkerLine } from "../worker-line.ts";

/** A worker that prints without line breaks must not fill the driver's memory. */
const MAX_LINE_BYTES = 64 * 1024;
const TAIL_LINES = 5;

export type LogSink = {
  /** Whole lines, with their line breaks. */
  write(bytes: Uint8Array): void;
};

export type WorkerLog = {
  /** Both streams of the process go in here; a line is never mixed with another one's. */
  createInput(): { push(chunk: Uint8Array): void; end(): void };
  lastError(): StageError | null;
  lastProgress(): WorkerLine["progress"];
  /** The last lines that no logger wrote: stack traces and libraries' last words. */
  tail(): readonly string[];
};

export function createWorkerLog(sink: LogSink): WorkerLog {
  let lastError: StageError | null = null;
  let lastProgress: WorkerLine["progress"] = null;
  const tail: string[] = [];

  const take = (bytes: Uint8Array): void => {
    sink.write(withLineBreak(bytes));
    const line = readWorkerLine(Buffer.from(bytes).toString("utf8"));
    lastError = line.error ?? lastError;
    lastProgress = line.progress ?? lastProgress;
    if (line.text === null || line.text.trim() === "") return;
    tail.push(line.text);
    if (tail.length > TAIL_LINES) tail.shift();
  };

  return {
    createInput: () => createLineSplitter(take),
    lastError: () => lastError,
    lastProgress: () => lastProgress,
    tail: () => tail,
  };
}

function createLineSplitter(take: (line: Uint8Array) => void) {
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  const flush = (): void => {
    if (restBytes > 0) take(Buffer.concat(rest));
    rest = [];
    restBytes = 0;
  };
  const keep = (part: Uint8Array): void => {
    rest.push(part);
    restBytes += part.byteLength;
    if (restBytes >= MAX_LINE_BYTES) flush();
  };
  return {
    push(chunk: Uint8Array): void {
      let from = 0;
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
        keep(chunk.slice(from, at));
        flush();
        from = at + 1;
      }
      keep(chunk.slice(from));
    },
    end: flush,
  };
}

function withLineBreak(bytes: Uint8Array): Uint8Array {
  const line = new Uint8Array(bytes.byteLength + 1);
  line.set(bytes);
  line[bytes.byteLength] = 10;
  return line;
}
