import { describe, expect, it } from "vitest";
import type { TrainingImages } from "../../../src/data/images/image-set.ts";
import { createStepImages } from "../../../src/train/jobs/step-images.ts";
import type { StepPlan } from "../../../src/train/protocol/protocol.ts";

type Opened = { readonly samples: string; readonly fromStep: number };

/** Streams that say which step they were asked for in their labels. */
function createSource() {
  const opened: Opened[] = [];
  const closed: string[] = [];
  const stream = (samples: string): TrainingImages => ({
    batch: (step) =>
      Promise.resolve({
        size: 1,
        pixels: new Uint8Array(3),
        masks: null,
        labels: Int32Array.of(step),
        samples: new Int32Array(1),
        epochs: new Int32Array(1),
      }),
    report: () => null,
    state: () => null,
    close() {
      closed.push(samples);
      return Promise.resolve();
    },
  });
  return { opened, closed, stream };
}

const plan = (samples: StepPlan["samples"], step: number): StepPlan => ({
  samples,
  step,
  rateFactor: 1,
  fresh: false,
});

describe("the images of a protocol's steps", () => {
  it("come from one stream, from the first step that is asked for, until other samples are wanted", async () => {
    const { opened, closed, stream } = createSource();
    const steps = createStepImages((which) => {
      opened.push(which);
      return Promise.resolve(stream(which.samples));
    });
    expect((await steps.of(plan("part", 7))).labels[0]).toBe(7);
    expect((await steps.of(plan("part", 8))).labels[0]).toBe(8);
    expect(closed).toEqual([]);
    expect((await steps.of(plan("all", 0))).labels[0]).toBe(0);
    expect(opened).toEqual([
      { samples: "part", fromStep: 7 },
      { samples: "all", fromStep: 0 },
    ]);
    expect(closed).toEqual(["part"]);
    await steps.close();
    expect(closed).toEqual(["part", "all"]);
  });

  it("leave no stream open that was still being opened when they were closed", async () => {
    const { closed, stream } = createSource();
    const opening = Promise.withResolvers<TrainingImages>();
    const steps = createStepImages(() => opening.promise);
    const asked = steps.of(plan("all", 0));
    const closing = steps.close();
    opening.resolve(stream("all"));
    await closing;
    await asked;
    expect(closed).toEqual(["all"]);
  });

  it("are opened again after an opening that failed, and closing forgets one", async () => {
    const { stream } = createSource();
    let attempts = 0;
    const steps = createStepImages(() =>
      ++attempts === 1
        ? Promise.reject(new Error("no memory"))
        : Promise.resolve(stream("all")),
    );
    await expect(steps.of(plan("all", 3))).rejects.toThrow("no memory");
    expect((await steps.of(plan("all", 3))).labels[0]).toBe(3);
    await steps.close();
    await steps.close();
    expect(attempts).toBe(2);
  });
});
