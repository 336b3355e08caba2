/** The thread of `startWriterThread`: waits for jobs, writes them, says how each ended. */
import { constants, platform, setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../base/clock.ts";
import {
  toError,
  toExitCode,
  TransientError,
  UserError,
} from "../../base/errors.ts";
import { openStore } from "../open-store.ts";
import { keepTrying } from "./keep-trying.ts";
import { writeCheckpoint, type CheckpointJob } from "./write-checkpoint.ts";
import {
  describeJob,
  type FromThread,
  type ThreadFailure,
  type ToThread,
  type WriterSetup,
} from "./writer.ts";

const PAGE_BYTES = 4096;

// Where cores are few, the training goes first. Linux has a priority for each thread; elsewhere it would be the process's.
if (platform() === "linux")
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

const { storeUrl, owner, outageMs } = workerData as WriterSetup;
// A store tells its URL in full: there is no folder to be relative to.
const store = openStore(storeUrl, { currentFolder: "/" });
const say = (message: FromThread): void => parentPort?.postMessage(message);

async function write(job: CheckpointJob): Promise<void> {
  try {
    const outcome = await keepTrying(
      describeJob(job),
      () => writeCheckpoint(store, owner, job),
      {
        clock: systemClock,
        outageMs,
        onWaiting: (reason) => say({ kind: "waiting", reason }),
      },
    );
    say({ kind: "ended", outcome });
  } catch (thrown) {
    say({ kind: "failed", failure: toFailure(thrown) });
  }
}

function toFailure(thrown: unknown): ThreadFailure {
  const error = toError(thrown);
  const { message } = error;
  const exitCode = toExitCode(thrown);
  const stack = error.stack ?? null;
  if (error instanceof UserError) {
    const { code, hint } = error;
    return { kind: "user", code, message, hint, exitCode, stack };
  }
  const isTransient = error instanceof TransientError;
  const code = isTransient ? error.code : "";
  const kind = isTransient ? "transient" : "bug";
  return { kind, code, message, hint: null, exitCode, stack };
}

/** The system hands out a page when it is first written to. Zero plus what is there: the trainer may be writing already. */
function touch(memory: Uint8Array<SharedArrayBuffer>): void {
  const words = new Int32Array(
    memory.buffer,
    memory.byteOffset,
    memory.byteLength >> 2,
  );
  for (let at = 0; at < words.length; at += PAGE_BYTES / 4)
    Atomics.add(words, at, 0);
}

parentPort?.on("message", (message: ToThread) => {
  if (message.kind === "write") void write(message.job);
  else for (const memory of message.memory) touch(memory);
});
