/**
 * What is at a path: the call that the file store makes most, as a rule for what is not there.
 *
 * A disk of this machine answers in microseconds, and having a thread of the pool ask costs ten times that, more where
 * processors are short: so it is asked at once. A file system elsewhere may take long, and must not hold up the process:
 * after some slow answers in a row (one alone may be the scheduler's doing) threads ask for a while.
 */
import { stat, statSync, type Stats } from "node:fs";
import { promisify } from "node:util";
import { isAbsence } from "./errors.ts";

const SLOW_MS = 0.5;
const SLOW_IN_A_ROW = 3;
const LOOKS_BY_THREADS = 1000;

const statInThread = promisify(stat);

/** Null: there is nothing. Throws whatever else the system says. */
export type Look = (file: string) => Promise<Stats | null>;

/** @param nowMs monotonic */
export function createLook(
  nowMs: () => number = () => performance.now(),
): Look {
  let slow = 0;
  let byThreads = 0;
  const lookAtOnce = (file: string): Stats | null => {
    const startMs = nowMs();
    try {
      return statSync(file, { throwIfNoEntry: false }) ?? null;
    } finally {
      slow = nowMs() - startMs > SLOW_MS ? slow + 1 : 0;
      if (slow >= SLOW_IN_A_ROW) byThreads = LOOKS_BY_THREADS;
    }
  };
  return async (file) => {
    const isByThread = byThreads > 0;
    if (isByThread) byThreads--;
    try {
      return isByThread ? await statInThread(file) : lookAtOnce(file);
    } catch (thrown) {
      if (isAbsence(thrown)) return null;
      throw thrown;
    }
  };
}
