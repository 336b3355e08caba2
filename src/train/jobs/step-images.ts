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

export function createStepImages(
  open: (which: {
    readonly samples: StepPlan["samples"];
    readonly fromStep: number;
  }) => Promise<TrainingImages>,
): StepImages {
  let current: {
    readonly samples: StepPlan["samples"];
    readonly images: TrainingImages;
  } | null = null;
  const close = async (): Promise<void> => {
    const closing = current;
    current = null;
    await closing?.images.close();
  };
  const imagesOf = async ({ samples, step }: StepPlan) => {
    if (current?.samples !== samples) {
      await close();
      const images = await open({ samples, fromStep: step });
      current = { samples, images };
    }
    return current.images;
  };
  return {
    of: async (plan) => (await imagesOf(plan)).batch(plan.step),
    report: () => current?.images.report() ?? null,
    state: ({ samples, step }) =>
      current?.samples === samples ? current.images.state(step) : null,
    async check(saved, plan) {
      const now = (await imagesOf(plan)).state(plan.step);
      if (now !== null) checkOrderState(saved, now);
    },
    close,
  };
}
