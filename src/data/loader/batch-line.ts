/**
 * Hands out batches in the order in which they are asked for, one call after the other, and says what errors mean.
 *
 * It is *running*; *failed*: an order came to nothing, so no more is fetched, what can be made of what was is made, and
 * whoever comes to a step that is not made is told why; the next call starts over from its step, so a training may wait
 * out a failing store; or *ended* for good: closed, told to stop, or a thread died.
 */
import { toError } from "../../base/errors.ts";
import type { BatchPlanner, PlannedBatch } from "./batch-planner.ts";
import type { DecodeThreads } from "./decode-threads.ts";
import { fromThreadError, type ThreadAnswer } from "./messages.ts";

/** Batches that whoever trains may still look at: the last one and the one before. */
const HANDED_AT_MOST = 2;

export type BatchLine = {
  /** The batch of a step, once it is made; valid until the second call after. */
  take(step: number): Promise<PlannedBatch>;
  answered(answer: ThreadAnswer): void;
  /** Refuses whoever waits, and all who come. */
  end(reason: Error): void;
};

export function createBatchLine(options: {
  readonly planner: BatchPlanner;
  readonly threads: DecodeThreads;
  readonly fromStep: number;
}): BatchLine {
  const { planner, threads } = options;
  const handed: PlannedBatch[] = [];
  let ended: Error | null = null;
  let failure: Error | null = null;
  let hasToldOfFailure = false;
  let isStartingOver = false;
  let wake: (() => void) | null = null;
  let lastTurn: Promise<unknown> = Promise.resolve();

  /** Runs a part of the planner's work; what it throws is a failure like a thread's. */
  function attempt(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      fail(toError(thrown));
    }
  }

  function fail(error: Error): void {
    failure ??= error;
  }

  function pump(): void {
    if (ended !== null || isStartingOver) return;
    attempt(() => {
      if (failure === null) planner.pump();
      else planner.finish();
    });
  }

  /** Until a thread answers or the end, which may have come already. */
  async function nextEvent(): Promise<void> {
    if (ended === null)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    if (ended !== null) throw ended;
  }

  async function startOver(step: number): Promise<void> {
    isStartingOver = true;
    threads.drop();
    while (!planner.isQuiet()) await nextEvent();
    isStartingOver = false;
    [failure, hasToldOfFailure] = [null, false];
    attempt(() => {
      planner.restart(step);
    });
  }

  async function takeTurn(step: number): Promise<PlannedBatch> {
    if (ended !== null) throw ended;
    const known = handed.find((batch) => batch.step === step);
    if (known) return known;
    while (handed.length >= HANDED_AT_MOST)
      planner.giveBack((handed.shift() as PlannedBatch).slot);
    if (step !== planner.nextStep || hasToldOfFailure) await startOver(step);
    for (;;) {
      pump();
      const made = planner.handOut();
      if (made) {
        handed.push(made);
        return made;
      }
      // What failed may be ahead of this step.
      if (failure !== null && planner.isIdle()) {
        hasToldOfFailure = true;
        throw failure;
      }
      await nextEvent();
    }
  }

  attempt(() => {
    planner.restart(options.fromStep);
  });
  pump();
  return {
    async take(step) {
      if (!Number.isSafeInteger(step) || step < 0)
        throw new RangeError(`no batch has the step ${step}`);
      const turn = lastTurn.then(async () => await takeTurn(step));
      lastTurn = turn.catch(() => undefined);
      return await turn;
    },
    answered(answer) {
      if (answer.kind === "failed") {
        planner.failed(answer.order);
        fail(fromThreadError(answer.error));
      } else
        attempt(() => {
          planner.answered(answer);
        });
      pump();
      wake?.();
    },
    end(reason) {
      ended ??= reason;
      wake?.();
    },
  };
}
