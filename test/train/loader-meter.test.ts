import { describe, expect, test } from "vitest";
import type { LoaderReport } from "../../src/data/loader/loader.ts";
import { createLoaderMeter } from "../../src/train/loader-meter.ts";
import { createManualClock } from "../support/manual-clock.ts";

const report = (more: Partial<LoaderReport> = {}): LoaderReport => ({
  images: 8,
  bytesFetched: 1000,
  requests: 1,
  cacheHits: 0,
  fetchMs: 10,
  decodeMs: 500,
  cropMs: 50,
  waitForBytesMs: 0,
  waitForSlotMs: 0,
  // What a loader sees: its batch is asked for while the step in front of it still computes.
  trainerWaitMs: 900,
  heldBytes: 5000,
  cacheProblem: null,
  bottleneck: "decode",
  ...more,
});

/** Spans of a second, in each of which the training stands still for so long. */
async function measure(
  spans: readonly { readonly waitMs: number; readonly seen: LoaderReport }[],
) {
  const clock = createManualClock();
  const queue = spans.map(({ seen }) => seen);
  const meter = createLoaderMeter(clock, () => queue.shift() ?? null);
  const uses = [];
  for (const { waitMs } of spans) {
    await meter.wait(
      Promise.resolve().then(() => {
        clock.advance(waitMs);
      }),
    );
    clock.advance(1000 - waitMs);
    uses.push(meter.take());
  }
  return { uses, sum: meter.sum() };
}

describe("what a training waits for", () => {
  test("is counted where it stands still, not where a batch is asked for ahead of time", async () => {
    const { uses } = await measure([{ waitMs: 200, seen: report() }]);
    expect(uses[0]).toMatchObject({
      wallMs: 1000,
      trainerWaitMs: 200,
      bottleneck: "decode",
      images: 8,
    });
    expect(uses[0]).not.toHaveProperty("heldBytes");
  });

  test("is nothing while it waits for less than a twentieth of its time", async () => {
    const { uses } = await measure([{ waitMs: 50, seen: report() }]);
    expect(uses[0]?.bottleneck).toBe("training");
  });

  test.each([
    ["threads that idle for bytes", { waitForBytesMs: 400 }, "storage"],
    ["threads that are busy", { waitForBytesMs: 10 }, "decode"],
  ])(
    "is said even if the loader thinks that it keeps up: %s",
    async (_, more, want) => {
      const seen = report({ bottleneck: "training", ...more });
      const { uses } = await measure([{ waitMs: 300, seen }]);
      expect(uses[0]?.bottleneck).toBe(want);
    },
  );

  test("adds up over a run, whatever single spans said", async () => {
    const { sum } = await measure([
      { waitMs: 300, seen: report({ waitForBytesMs: 900 }) },
      { waitMs: 0, seen: report({ cacheProblem: "disk full" }) },
      { waitMs: 0, seen: report() },
    ]);
    expect(sum).toMatchObject({
      images: 24,
      requests: 3,
      wallMs: 3000,
      trainerWaitMs: 300,
      bottleneck: "storage",
      cacheProblem: "disk full",
    });
  });

  test("is unknown where nothing reads", () => {
    const meter = createLoaderMeter(createManualClock(), () => null);
    expect(meter.take()).toBeNull();
    expect(meter.sum()).toBeNull();
  });
});
