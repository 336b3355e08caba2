import { describe, expect, it } from "vitest";
import {
  createLoaderMeter,
  type LoaderMeter,
} from "../../../src/data/loader/loader-meter.ts";

/** A meter of two threads, and a clock that is set by hand. */
function open(): { readonly meter: LoaderMeter; pass(ms: number): void } {
  let now = 0;
  const meter = createLoaderMeter({ threads: 2, now: () => now });
  meter.setIdle(0, "slot");
  return {
    meter,
    pass(ms) {
      now += ms;
    },
  };
}

describe("the report of a loader", () => {
  it("names the training where it hardly waits, though threads may be idle for bytes or for room", () => {
    const { meter, pass } = open();
    meter.setIdle(2, "bytes");
    pass(500);
    meter.setIdle(2, "slot");
    pass(500);
    meter.trainerWaited(49);
    expect(meter.report(0)).toMatchObject({
      bottleneck: "training",
      waitForBytesMs: 1000,
      waitForSlotMs: 1000,
      trainerWaitMs: 49,
    });
  });

  it("names the storage where the training waits and threads are idle for bytes", () => {
    const { meter, pass } = open();
    meter.setIdle(1, "bytes");
    pass(200);
    meter.setIdle(0, "bytes");
    pass(800);
    meter.trainerWaited(400);
    expect(meter.report(0)).toMatchObject({
      bottleneck: "storage",
      waitForBytesMs: 200,
    });
  });

  it("names decoding where the training waits and threads are busy", () => {
    const { meter, pass } = open();
    meter.setIdle(1, "bytes");
    pass(100);
    meter.setIdle(0, "bytes");
    pass(900);
    meter.trainerWaited(900);
    expect(meter.report(0).bottleneck).toBe("decode");
  });

  it("sums what the threads answered since the last report, and keeps why the cache ended", () => {
    const { meter } = open();
    const fetched = { kind: "fetched", block: 1, ms: 5, bytes: 100 } as const;
    meter.count({ ...fetched, requests: 1, cacheProblem: null });
    meter.count({ ...fetched, requests: 0, bytes: 0, cacheProblem: "full" });
    meter.count({
      kind: "decoded",
      job: 1,
      images: 4,
      decodeMs: 3,
      cropMs: 1,
    });
    expect(meter.report(77)).toMatchObject({
      images: 4,
      bytesFetched: 100,
      requests: 1,
      cacheHits: 1,
      fetchMs: 10,
      decodeMs: 3,
      cropMs: 1,
      heldBytes: 77,
      cacheProblem: "full",
    });
    expect(meter.report(0)).toMatchObject({ images: 0, cacheProblem: "full" });
  });
});
