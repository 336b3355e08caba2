/**
 * When a training saves itself, and what it does while saving takes its time.
 *
 * S1 A save is due after so many steps, or so much time. It costs the copy of weights and slots; the rest goes on behind the
 *    next steps.
 * S2 A save that comes due while the one before is being written is put off to the first step after that one has ended: a
 *    slow store costs checkpoints, never steps.
 * S3 Training waits for a save all the same if the store does not answer, rather than pile up work that nothing protects; for a
 *    checkpoint that has to be there later; and for the last one before it stops.
 * S4 A save that failed ends the run at the next step, with the reason.
 */
import type { Clock } from "../base/clock.ts";
import type { Cadence } from "../spec/pipeline-spec.ts";
import type {
  CheckpointStore,
  Saving,
} from "../store/checkpoints/checkpoints.ts";
import type { LoopState } from "./checkpoint.ts";
import { notFiniteWeight } from "./finite.ts";
import { newestValues } from "./metrics.ts";
import { isSlot, type Trainer } from "./trainer.ts";

export type SaverOptions = {
  readonly trainer: Trainer;
  readonly checkpoints: CheckpointStore;
  readonly every: Cadence;
  readonly clock: Clock;
};

export type Saver = {
  /** After each step but the last: saves if it is time to, `done` steps being done. */
  afterStep(done: number, state: LoopState): Promise<void>;
  /** Saves this step unless it was saved already, and waits for it. */
  saveNow(done: number, state: LoopState): Promise<void>;
  /** Waits for the last save; throws if it failed. */
  settle(): Promise<void>;
};

export function createSaver(options: SaverOptions): Saver {
  const { trainer, checkpoints, every, clock } = options;
  checkpoints.prepare(toShapes(trainer));
  let last: { readonly step: number; readonly settled: Promise<void> } | null =
    null;
  let failure: { readonly thrown: unknown } | null = null;
  let isDue = false;
  let savedAtMs = "ms" in every ? clock.monotonicMs() : 0;

  const settle = async (): Promise<void> => {
    await last?.settled;
  };

  async function save(done: number, state: LoopState): Promise<void> {
    await settle();
    if (last?.step === done) return;
    const saving = await checkpoints.save({
      step: done,
      copyInto: (targets) => trainer.readInto(targets),
      state,
      metrics: newestValues(state.metrics),
    });
    const settled = whenWritten(saving);
    settled.catch((thrown: unknown) => {
      failure = { thrown };
    });
    last = { step: done, settled };
    isDue = false;
    if ("ms" in every) savedAtMs = clock.monotonicMs();
  }

  return {
    async afterStep(done, state) {
      if (failure !== null) throw failure.thrown; // S4
      isDue ||=
        "steps" in every
          ? done % every.steps === 0
          : clock.monotonicMs() - savedAtMs >= every.ms;
      const isWanted = checkpoints.isWanted(done);
      if (!isDue && !isWanted) return;
      if (checkpoints.activity() === "writing" && !isWanted) return; // S2
      await save(done, state);
    },
    async saveNow(done, state) {
      await save(done, state);
      await settle();
    },
    settle,
  };
}

async function whenWritten({ step, written }: Saving): Promise<void> {
  const outcome = await written;
  if (outcome.kind === "not-finite")
    throw notFiniteWeight(outcome.tensor, outcome.value, step);
}

function toShapes({ shapes }: Trainer) {
  const part = (isPart: (name: string) => boolean) =>
    new Map([...shapes].filter(([name]) => isPart(name)));
  return { model: part((name) => !isSlot(name)), optimizer: part(isSlot) };
}
