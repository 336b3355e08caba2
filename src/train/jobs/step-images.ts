/**
 * The images of the steps that a protocol plans. A stream is opened when its first step is asked for, so that a resumed
 * run fetches what it needs and nothing before it, and closed when the run goes over to other samples.
 */
import type { Images, TrainingImages } from "../../data/images/image-set.ts";
import type { LoaderReport } from "../../data/loader/loader.ts";
import type { StepPlan } from "../protocol/protocol.ts";

export type StepImages = {
  /** Valid until the second call after it; one call at a time. */
  of(plan: StepPlan): Promise<Images>;
  /** Where the loader's time went since the last report; null: there is no loader. */
  report(): LoaderReport | null;
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
  return {
    async of({ samples, step }) {
      if (current?.samples !== samples) {
        await close();
        const images = await open({ samples, fromStep: step });
        current = { samples, images };
      }
      return current.images.batch(step);
    },
    report: () => current?.images.report() ?? null,
    close,
  };
}
