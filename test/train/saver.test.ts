import { describe, expect, test } from "vitest";
import type {
  CheckpointStore,
  CheckpointToSave,
} from "../../src/store/checkpoints/checkpoints.ts";
import type { WriteOutcome } from "../../src/store/checkpoints/write-checkpoint.ts";
import type { LoopState } from "../../src/train/checkpoint.ts";
import { metricsStart } from "../../src/train/metrics.ts";
import { createProtocol } from "../../src/train/protocol/protocol.ts";
import { createSaver } from "../../src/train/saver.ts";
import type { Trainer } from "../../src/train/trainer.ts";
import { createManualClock } from "../support/manual-clock.ts";

const refuse = () => Promise.reject(new Error("not used"));
const trainer: Trainer = {
  shapes: new Map([
    ["x", [2]],
    ["x/momentum", [2]],
  ]),
  readInto: () => Promise.resolve(),
  train: refuse,
  run: refuse,
  read: refuse,
  write: refuse,
  close: refuse,
};

/** Checkpoints whose writes end when the test says so. */
function slowCheckpoints(isWanted: (step: number) => boolean = () => false) {
  const saved: CheckpointToSave[] = [];
  let activity: ReturnType<CheckpointStore["activity"]> = "idle";
  let under: PromiseWithResolvers<WriteOutcome> = Promise.withResolvers();
  const checkpoints: CheckpointStore = {
    newest: () => Promise.resolve(null),
    prepare: () => undefined,
    async save(checkpoint) {
      if (activity !== "idle") throw new Error("one at a time");
      saved.push(checkpoint);
      activity = "writing";
      under = Promise.withResolvers();
      return { step: checkpoint.step, written: under.promise };
    },
    activity: () => activity,
    isWanted,
    keepToo: () => undefined,
    ofStep: () => Promise.resolve(null),
    close: () => Promise.resolve(),
  };
  const end = (outcome: WriteOutcome | Error): void => {
    activity = "idle";
    if (outcome instanceof Error) under.reject(outcome);
    else under.resolve(outcome);
  };
  return {
    checkpoints,
    steps: () => saved.map(({ step }) => step),
    saved,
    finish: () => end({ kind: "written", sizeBytes: 1 }),
    end,
    loseStore: () => (activity = "waiting"),
  };
}

const protocol = createProtocol({
  kind: "fixed",
  steps: 100,
  schedule: { kind: "constant" },
});
const state: LoopState = { protocol: protocol.start, metrics: metricsStart };

function saverOf(
  slow: ReturnType<typeof slowCheckpoints>,
  every: Parameters<typeof createSaver>[0]["every"] = { steps: 10 },
) {
  const clock = createManualClock();
  const { checkpoints } = slow;
  const saver = createSaver({ trainer, checkpoints, every, clock });
  const run = async (from: number, to: number) => {
    for (let done = from; done <= to; done++)
      await saver.afterStep(done, state);
  };
  return { ...saver, clock, run };
}

/** Whether a promise has settled by the time that everything which can go on has gone on. */
async function isOver(promise: Promise<unknown>): Promise<boolean> {
  let over = false;
  void promise.finally(() => (over = true)).catch(() => undefined);
  await new Promise(setImmediate);
  return over;
}

describe("a save that comes due", () => {
  test("is made at every so many steps, and training goes on meanwhile", async () => {
    const slow = slowCheckpoints();
    const saver = saverOf(slow);
    await saver.run(1, 15);
    expect(slow.steps()).toEqual([10]);
    slow.finish();
    await saver.run(16, 25);
    expect(slow.steps()).toEqual([10, 20]);
  });

  test("is made after so much time", async () => {
    const slow = slowCheckpoints();
    const saver = saverOf(slow, { ms: 60_000 });
    await saver.run(1, 3);
    saver.clock.advance(60_000);
    await saver.run(4, 5);
    expect(slow.steps()).toEqual([4]);
    slow.finish();
    saver.clock.advance(59_999);
    await saver.run(6, 8);
    expect(slow.steps()).toEqual([4]);
  });

  test("while another is being written is made after that one, not at the next multiple", async () => {
    const slow = slowCheckpoints();
    const saver = saverOf(slow);
    await saver.run(1, 23);
    expect(slow.steps()).toEqual([10]);
    slow.finish();
    await saver.run(24, 29);
    expect(slow.steps()).toEqual([10, 24]);
  });

  test("stops training if the store does not answer, until it does", async () => {
    const slow = slowCheckpoints();
    const saver = saverOf(slow);
    await saver.run(1, 12);
    slow.loseStore();
    await saver.run(13, 19);
    const paused = saver.afterStep(20, state);
    expect(await isOver(paused)).toBe(false);
    slow.finish();
    await paused;
    expect(slow.steps()).toEqual([10, 20]);
  });

  test("waits for the one before if it has to be there later", async () => {
    const slow = slowCheckpoints((step) => step === 15);
    const saver = saverOf(slow);
    await saver.run(1, 14);
    const kept = saver.afterStep(15, state);
    expect(await isOver(kept)).toBe(false);
    slow.finish();
    await kept;
    expect(slow.steps()).toEqual([10, 15]);
  });
});

describe("the last save before a stop", () => {
  test("waits for the one before, and until it is written itself", async () => {
    const slow = slowCheckpoints();
    const saver = saverOf(slow);
    await saver.run(1, 12);
    const last = saver.saveNow(13, state);
    expect(await isOver(last)).toBe(false);
    expect(slow.steps()).toEqual([10]);
    slow.finish();
    expect(await isOver(last)).toBe(false);
    expect(slow.steps()).toEqual([10, 13]);
    slow.finish();
    await last;
  });

  test("is not made twice for one step", async () => {
    const slow = slowCheckpoints();
    const saver = saverOf(slow);
    await saver.run(1, 10);
    slow.finish();
    await saver.saveNow(10, state);
    expect(slow.steps()).toEqual([10]);
  });
});

describe("a save that fails", () => {
  test("ends the run at the next step, due or not", async () => {
    const slow = slowCheckpoints();
    const saver = saverOf(slow);
    await saver.run(1, 10);
    slow.end(new Error("disk full"));
    await new Promise(setImmediate);
    await expect(saver.afterStep(11, state)).rejects.toThrow("disk full");
    await expect(saver.settle()).rejects.toThrow("disk full");
  });

  test("for a number that is not finite names the weight and the step", async () => {
    const slow = slowCheckpoints();
    const saver = saverOf(slow);
    await saver.run(1, 10);
    slow.end({ kind: "not-finite", tensor: "x", value: Number.NaN });
    await expect(saver.settle()).rejects.toThrow(
      /found NaN in 'x' after step 10/,
    );
  });
});

test("a checkpoint keeps slots apart, and has the newest value of each curve", async () => {
  const slow = slowCheckpoints();
  const shapes: unknown[] = [];
  const { checkpoints } = slow;
  const saver = createSaver({
    trainer,
    checkpoints: { ...checkpoints, prepare: (given) => shapes.push(given) },
    every: { steps: 1 },
    clock: createManualClock(),
  });
  const rows = [
    { step: 1, name: "loss", value: 3 },
    { step: 1, name: "accuracy", value: 0.1 },
    { step: 2, name: "loss", value: 2 },
  ];
  await saver.afterStep(2, { ...state, metrics: { ...metricsStart, rows } });
  expect(shapes).toEqual([
    { model: new Map([["x", [2]]]), optimizer: new Map([["x/momentum", [2]]]) },
  ]);
  expect(slow.saved[0]?.metrics).toEqual({ loss: 2, accuracy: 0.1 });
});
