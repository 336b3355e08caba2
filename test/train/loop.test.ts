import { describe, expect, test } from "vitest";
import type { Clock } from "../../src/base/clock.ts";
import { StoppedError, UserError } from "../../src/base/errors.ts";
import type { WeightArray, Weights } from "../../src/model/weights.ts";
import {
  createCheckpointStore,
  type CheckpointStore,
} from "../../src/store/checkpoints/checkpoints.ts";
import type { Checkpoint } from "../../src/store/checkpoints/read-checkpoint.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { trainLoop, type Job, type LoopOptions } from "../../src/train/loop.ts";
import { createProtocol } from "../../src/train/protocol/protocol.ts";
import type { Trainer } from "../../src/train/trainer.ts";

/** A trainer of one number with momentum, deterministic in what it is fed: the loop's partner without an engine. */
function fakeTrainer(lossAt: (x: number) => number = (x) => x * x) {
  let x = 1;
  let momentum = 0;
  const calls: { x: number; rate: number; step: number; noise: number }[] = [];
  const trainer: Trainer = {
    async train(feeds, { rate, step }) {
      await Promise.resolve();
      const noise = feeds["noise"] as number;
      calls.push({ x, rate, step, noise });
      const loss = lossAt(x);
      momentum = 0.9 * momentum + 2 * x + noise;
      x -= rate * momentum;
      return { loss };
    },
    run: () => Promise.reject(new Error("not used")),
    shapes: new Map([
      ["x", [2]],
      ["x/momentum", [2]],
    ]),
    readInto(targets) {
      targets.get("x")?.set(new Uint8Array(toPair(x).buffer));
      targets.get("x/momentum")?.set(new Uint8Array(toPair(momentum).buffer));
      return Promise.resolve();
    },
    read: () =>
      Promise.resolve(
        new Map<string, WeightArray>([
          ["x", { shape: [2], values: toPair(x) }],
          ["x/momentum", { shape: [2], values: toPair(momentum) }],
        ]),
      ),
    write(weights: Weights) {
      x = fromPair(weights.get("x"));
      momentum = fromPair(weights.get("x/momentum"));
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
  return { trainer, calls, value: () => x };
}

/** A double in the bits of two float32 slots, so that nothing is lost in a checkpoint. */
function toPair(value: number): Float32Array {
  return new Float32Array(Float64Array.of(value).buffer);
}
function fromPair(array: WeightArray | undefined): number {
  if (!array) throw new Error("the weight is missing");
  return new Float64Array(array.values.slice().buffer)[0] as number;
}

function jobOf(
  trainer: Trainer,
  measure?: () => Promise<number>,
): Job & { prepared: number[] } {
  const prepared: number[] = [];
  return {
    prepared,
    trainer,
    firstWeights: new Map([["x", { shape: [2], values: toPair(1) }]]),
    imagesPerStep: 4,
    learningRate: 0.01,
    prepare({ step }) {
      prepared.push(step);
      return Promise.resolve({ noise: Math.sin(step) / 100 });
    },
    close: () => trainer.close(),
    ...(measure ? { score: { name: "accuracy", measure } } : {}),
  };
}

/** The real checkpoints in memory, with what was written in order. */
function memoryCheckpoints(
  ...saved: Checkpoint[]
): CheckpointStore & { saved: Checkpoint[] } {
  const checkpoints = createCheckpointStore({
    store: createMemoryStore(),
    key: "k",
    epoch: 1,
    keep: { last: 2, everySteps: null, best: null },
    outageMs: 0,
  });
  return {
    ...checkpoints,
    saved,
    newest: () => Promise.resolve(saved.at(-1) ?? null),
    async save(checkpoint) {
      const saving = await checkpoints.save(checkpoint);
      const written = saving.written.then(async (outcome) => {
        const newest = await checkpoints.newest();
        if (newest && outcome.kind === "written") saved.push(newest);
        return outcome;
      });
      written.catch(() => undefined);
      return { ...saving, written };
    },
  };
}

/** Half a second per look. */
function tickingClock(): Clock {
  let at = 0;
  return {
    now: () => at,
    monotonicMs: () => (at += 500),
    sleep: () => Promise.resolve(),
  };
}

const fixed = (steps: number) =>
  createProtocol({ kind: "fixed", steps, schedule: { kind: "constant" } });

const optionsOf = (job: Job, more: Partial<LoopOptions> = {}): LoopOptions => ({
  job,
  protocol: fixed(20),
  checkpoints: memoryCheckpoints(),
  checkpointEvery: { steps: 6 },
  signal: new AbortController().signal,
  clock: tickingClock(),
  progress: () => undefined,
  ...more,
});

describe("the training loop", () => {
  test("takes every step once, in order, with the protocol's rate, and prepares one step ahead", async () => {
    const { trainer, calls } = fakeTrainer();
    const job = jobOf(trainer);
    const result = await trainLoop(optionsOf(job, { protocol: fixed(5) }));
    expect(calls.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4]);
    expect(job.prepared).toEqual([0, 1, 2, 3, 4]);
    expect(new Set(calls.map(({ rate }) => rate))).toEqual(new Set([0.01]));
    expect(result.steps).toBe(5);
    expect(result.rows.filter(({ name }) => name === "loss")).toHaveLength(5);
  });

  test("prepares the feeds of a step before the step in front of it has ended", async () => {
    const events: string[] = [];
    const { trainer } = fakeTrainer();
    const job = jobOf({
      ...trainer,
      async train(feeds, at) {
        events.push(`train ${at.step}`);
        // Longer than a turn of the event loop, like a step on another thread.
        for (let i = 0; i < 3; i++) await new Promise(setImmediate);
        const losses = await trainer.train(feeds, at);
        events.push(`trained ${at.step}`);
        return losses;
      },
    });
    const watched: Job = {
      ...job,
      prepare(plan) {
        events.push(`prepare ${plan.step}`);
        return job.prepare(plan);
      },
    };
    await trainLoop(optionsOf(watched, { protocol: fixed(3) }));
    expect(events.indexOf("prepare 1")).toBeLessThan(
      events.indexOf("trained 0"),
    );
    expect(events.indexOf("train 0")).toBeLessThan(events.indexOf("prepare 1"));
  });

  test("resumed from any checkpoint it ends in the same bits and the same rows as undisturbed", async () => {
    const undisturbed = fakeTrainer();
    const checkpoints = memoryCheckpoints();
    const want = await trainLoop(
      optionsOf(jobOf(undisturbed.trainer), { checkpoints }),
    );
    expect(checkpoints.saved.map(({ step }) => step)).toEqual([6, 12, 18]);
    for (const checkpoint of checkpoints.saved) {
      const { trainer, calls, value } = fakeTrainer();
      const own = memoryCheckpoints(checkpoint);
      const got = await trainLoop(
        optionsOf(jobOf(trainer), { checkpoints: own }),
      );
      expect(calls).toHaveLength(20 - checkpoint.step);
      expect(value()).toBe(undisturbed.value());
      expect(got.rows).toEqual(want.rows);
    }
  });

  test("checkpoints keep variables and slots apart", async () => {
    const checkpoints = memoryCheckpoints();
    await trainLoop(optionsOf(jobOf(fakeTrainer().trainer), { checkpoints }));
    const [first] = checkpoints.saved;
    expect([...(first?.model.keys() ?? [])]).toEqual(["x"]);
    expect([...(first?.optimizer.keys() ?? [])]).toEqual(["x/momentum"]);
  });

  test("told to stop, it finishes its step, saves, and says so; the next run continues there", async () => {
    const stop = new AbortController();
    const { trainer, calls } = fakeTrainer();
    const stopping: Trainer = {
      ...trainer,
      train(feeds, at) {
        if (at.step === 8) stop.abort();
        return trainer.train(feeds, at);
      },
    };
    const checkpoints = memoryCheckpoints();
    const options = { checkpoints, signal: stop.signal };
    await expect(
      trainLoop(optionsOf(jobOf(stopping), options)),
    ).rejects.toThrow(StoppedError);
    expect(calls).toHaveLength(9);
    expect(checkpoints.saved.at(-1)?.step).toBe(9);
    const next = fakeTrainer();
    await trainLoop(optionsOf(jobOf(next.trainer), { checkpoints }));
    expect(next.calls[0]?.step).toBe(9);
  });

  test("a loss that is not finite stops the run at once, with the step, and never reaches a checkpoint", async () => {
    const { trainer, calls } = fakeTrainer();
    const broken: Trainer = {
      ...trainer,
      train: async (feeds, at) => ({
        ...(await trainer.train(feeds, at)),
        ...(at.step === 5 ? { hue: Number.NaN } : {}),
      }),
    };
    const checkpoints = memoryCheckpoints();
    const failure = trainLoop(optionsOf(jobOf(broken), { checkpoints }));
    await expect(failure).rejects.toThrow(UserError);
    await expect(failure).rejects.toThrow(/finite hue; found NaN at step 6/);
    expect(calls).toHaveLength(6);
    expect(checkpoints.saved).toEqual([]);
  });

  test.each([
    ["a checkpoint", 6, fixed(20)],
    ["the end of the run", 20, fixed(20)],
  ])(
    "weights that broke behind a finite loss are found before they reach %s",
    async (_where, done, protocol) => {
      const { trainer } = fakeTrainer();
      let steps = 0;
      const broken: Trainer = {
        ...trainer,
        train(feeds, at) {
          steps = at.step + 1;
          return trainer.train(feeds, at);
        },
        readInto: async (targets) => {
          await trainer.readInto(targets);
          if (steps >= done) targets.get("x")?.fill(0xff);
        },
        read: async () =>
          steps < done
            ? trainer.read()
            : new Map([
                ["x", { shape: [1], values: Float32Array.of(Number.NaN) }],
              ]),
      };
      const checkpoints = memoryCheckpoints();
      await expect(
        trainLoop(optionsOf(jobOf(broken), { protocol, checkpoints })),
      ).rejects.toThrow(`found NaN in 'x' after step ${done}`);
      expect(checkpoints.saved.every(({ step }) => step < done)).toBe(true);
    },
  );

  test("the curve reaches the last step, whatever the length of a span, resumed in the middle of it or not", async () => {
    const checkpoints = memoryCheckpoints();
    const run = () =>
      trainLoop(
        optionsOf(jobOf(fakeTrainer().trainer), {
          protocol: fixed(103),
          checkpoints,
          checkpointEvery: { steps: 50 },
        }),
      );
    const { rows } = await run();
    const steps = rows.map(({ step }) => step);
    expect(steps.slice(-4)).toEqual([102, 102, 103, 103]);
    expect(checkpoints.saved.map(({ step }) => step)).toEqual([50, 100]);
    expect((await run()).rows).toEqual(rows);
  });

  test("a checkpoint that cannot be written ends the run", async () => {
    const checkpoints: CheckpointStore = {
      ...memoryCheckpoints(),
      save: () => Promise.reject(new Error("disk full")),
    };
    await expect(
      trainLoop(optionsOf(jobOf(fakeTrainer().trainer), { checkpoints })),
    ).rejects.toThrow("disk full");
  });

  test("early stopping drops the rate, starts again from the first weights, and replays the rates on everything", async () => {
    const { trainer, calls } = fakeTrainer();
    const scores = [0.5, 0.4, 0.4];
    const job = jobOf(trainer, () => Promise.resolve(scores.shift() ?? 0));
    const result = await trainLoop(
      optionsOf(job, {
        protocol: createProtocol({
          kind: "early-stop",
          every: 3,
          patience: 1,
          drops: 1,
          factor: 0.1,
          maxSteps: 100,
          retrain: true,
        }),
      }),
    );
    expect(result.steps).toBe(18);
    const rates = calls.map(({ rate }) => rate);
    expect(rates.slice(0, 9)).toEqual(rates.slice(9));
    expect(rates[6]).toBeCloseTo(0.001, 12);
    expect(calls[9]?.x).toBe(1);
    expect(calls.slice(9)).toEqual(calls.slice(0, 9));
    // Rows come every fourth step while the run may be long, and one ends the first pass.
    const curve = result.rows.filter(({ name }) => name === "loss");
    expect(curve.map(({ step }) => step).slice(0, 5)).toEqual([1, 4, 8, 9, 10]);
    expect(
      result.rows
        .filter(({ name }) => name === "validation-accuracy")
        .map(({ step, value }) => [step, value]),
    ).toEqual([
      [3, 0.5],
      [6, 0.4],
      [9, 0.4],
    ]);
  });

  test("progress tells steps, speed and what is left, about once a second", async () => {
    const reports: string[] = [];
    await trainLoop(
      optionsOf(jobOf(fakeTrainer().trainer), {
        progress: ({ step, steps, detail }) =>
          reports.push(`${step}/${steps} ${detail}`),
      }),
    );
    // Half a second a step, four images a step.
    expect(reports[0]).toBe("1/20 loss 1.000");
    expect(reports[1]).toMatch(/^3\/20 loss 0\.\d{3}, 8 images\/s, 0:09 left$/);
    expect(reports.at(-1)).toMatch(/^20\/20 /);
    expect(reports.length).toBeLessThan(13);
  });
});

describe("images that come from elsewhere", () => {
  const order = {
    orderVersion: 2,
    datasetId: "d",
    seed: 1,
    batch: 4,
    size: 9,
    samplesCrc32: 5,
    streams: 1,
    blocks: 1,
    decoder: "fake",
  };

  test("that do not come keep nobody from stopping: what was done is saved", async () => {
    const stop = new AbortController();
    const { trainer, calls } = fakeTrainer();
    const job = jobOf(trainer);
    const stalled: Job = {
      ...job,
      prepare(plan) {
        if (plan.step < 4) return job.prepare(plan);
        setImmediate(() => {
          stop.abort();
        });
        return new Promise(() => undefined);
      },
    };
    const checkpoints = memoryCheckpoints();
    const options = { checkpoints, signal: stop.signal };
    await expect(trainLoop(optionsOf(stalled, options))).rejects.toThrow(
      StoppedError,
    );
    expect(calls).toHaveLength(4);
    expect(checkpoints.saved.at(-1)?.step).toBe(4);
  });

  test("that cannot be read end the run with the reason, after the step in flight", async () => {
    const { trainer, calls } = fakeTrainer();
    const job = jobOf(trainer);
    const broken: Job = {
      ...job,
      prepare: (plan) =>
        plan.step < 3
          ? job.prepare(plan)
          : Promise.reject(new Error("the shard is damaged")),
    };
    await expect(trainLoop(optionsOf(broken))).rejects.toThrow(
      "the shard is damaged",
    );
    expect(calls).toHaveLength(3);
  });

  test("are described in each checkpoint, and compared when a run goes on", async () => {
    const checkpoints = memoryCheckpoints();
    const job: Job = {
      ...jobOf(fakeTrainer().trainer),
      imagesState: ({ step }) => ({ ...order, step }),
    };
    await trainLoop(optionsOf(job, { checkpoints }));
    const [first] = checkpoints.saved;
    expect(first?.state).toMatchObject({ images: { ...order, step: 6 } });
    const compared: unknown[] = [];
    const resumed: Job = {
      ...jobOf(fakeTrainer().trainer),
      checkImages(saved, plan) {
        compared.push(saved, plan.step);
        return Promise.reject(new Error("other images"));
      },
    };
    const own = memoryCheckpoints(first as Checkpoint);
    await expect(
      trainLoop(optionsOf(resumed, { checkpoints: own })),
    ).rejects.toThrow("other images");
    expect(compared).toEqual([{ ...order, step: 6 }, 6]);
  });
});
