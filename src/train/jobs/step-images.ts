/**
 * The images of the steps that a protocol plans. A stream is opened when its first step is asked for, so that a resumed
 * run fetches what it needs and nothing before it, and closed when the run goes over to other samples.
 */
import type { Images, TrainingImages } from "../../data/images/image-set.ts";
import type { LoaderReport } from "../../data/loader/loader.ts";
import {
  checkOrderState,
  type OrderState,
} from "../../data/order/order-state.ts";
import type { StepPlan } from "../protocol/protocol.ts";

export type StepImages = {
  /** Valid until the second call after it; one call at a time. */
  of(plan: StepPlan): Promise<Images>;
  /** Where the loader's time went since the last report; null: there is no loader. */
  report(): LoaderReport | null;
  /** What decides which pixels the step sees; null: nothing but its number, or it begins other samples. */
  state(plan: StepPlan): OrderState | null;
  /** @throws UserError `data.order-changed` when the step would see other pixels than the saved state says. */
  check(saved: OrderState, plan: StepPlan): Promise<void>;
  close(): Promise<void>;
};

type Stream = {
  readonly samples: StepPlan["samples"];
  readonly opening: Promise<TrainingImages>;
  /** Null until it is open. */
  images: TrainingImages | null;
};

export function createStepImages(
  open: (which: {
    readonly samples: StepPlan["samples"];
    readonly fromStep: number;
  }) => Promise<TrainingImages>,
): StepImages {
  let current: Stream | null = null;
  const close = async (): Promise<void> => {
    const closing = current;
    current = null;
    // A stream that is still being opened would outlive the run.
    const opened = await closing?.opening.catch(() => null);
    await opened?.close();
  };
  const imagesOf = async ({
    samples,
    step,
  }: StepPlan): Promise<TrainingImages> => {
    if (current?.samples === samples) return current.opening;
    const opening = close().then(() => open({ samples, fromStep: step }));
    const stream: Stream = { samples, opening, images: null };
    current = stream;
    try {
      stream.images = await opening;
      return stream.images;
    } catch (thrown) {
      if (current === stream) current = null;
      throw thrown;
    }
  };
  return {
    of: async (plan) => (await imagesOf(plan)).batch(plan.step),
    report: () => current?.images?.report() ?? null,
    state: ({ samples, step }) =>
      current?.samples === samples
        ? (current.images?.state(step) ?? null)
        : null,
    async check(saved, plan) {
      const now = (await imagesOf(plan)).state(plan.step);
      if (now !== null) checkOrderState(saved, now);
    },
    close,
  };
}
