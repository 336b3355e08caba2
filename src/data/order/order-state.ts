/**
 * What a checkpoint keeps of the order: all that decides which pixels the next step sees, so that a resume which would
 * see others is refused instead of being quietly different (invariant H). There is no position but the step: ranks,
 * workers, memory and caches may change from one start to the next.
 */
import { z } from "zod";
import { UserError } from "../../base/errors.ts";
import { ORDER_VERSION, type TrainingOrder } from "./training-order.ts";

const natural = z.int().min(0);

/** JSON in a checkpoint's state, some 200 bytes. */
export const orderStateSchema = z.object({
  orderVersion: natural,
  /** SHA-256 of the catalog. */
  datasetId: z.string(),
  seed: z.int(),
  /** Images of a whole batch. */
  batch: natural,
  /** Samples an epoch, and the CRC-32 of their numbers. */
  size: natural,
  samplesCrc32: natural,
  streams: natural,
  blocks: natural,
  /** Library and version that turn a file into pixels. */
  decoder: z.string(),
  /** The next step. */
  step: natural,
});
export type OrderState = z.output<typeof orderStateSchema>;

export type OrderIdentity = {
  readonly datasetId: string;
  readonly seed: number;
  readonly batch: number;
  readonly decoder: string;
};

/** The state before a step. */
export function toOrderState(
  order: TrainingOrder,
  identity: OrderIdentity,
  step: number,
): OrderState {
  const { datasetId, seed, batch, decoder } = identity;
  const { size, samplesCrc32, streams, blocks } = order;
  return {
    orderVersion: ORDER_VERSION,
    datasetId,
    seed,
    batch,
    size,
    samplesCrc32,
    streams,
    blocks: blocks.length,
    decoder,
    step,
  };
}

/** In the order in which a difference explains the ones after it. */
const WORDS: Readonly<Record<Exclude<keyof OrderState, "step">, string>> = {
  datasetId: "dataset",
  orderVersion: "version of the order",
  decoder: "image decoder",
  seed: "seed",
  batch: "images a batch",
  size: "images an epoch",
  samplesCrc32: "list of images",
  streams: "streams",
  blocks: "blocks",
};

/**
 * The step to go on at, when a saved state and a new run read the same batches.
 * @throws UserError `data.order-changed`, naming everything that differs.
 */
export function checkOrderState(saved: unknown, now: OrderState): number {
  const parsed = orderStateSchema.safeParse(saved);
  if (!parsed.success)
    throw orderChanged("its record of the order can not be read", parsed.error);
  const state = parsed.data;
  const differences = Object.entries(WORDS)
    .map(([key, words]) => ({ key: key as keyof OrderState, words }))
    .filter(({ key }) => state[key] !== now[key])
    .map(({ key, words }) => `${words}: ${state[key]} then, ${now[key]} now`);
  if (differences.length > 0) throw orderChanged(differences.join("; "));
  return state.step;
}

function orderChanged(reason: string, cause?: unknown): UserError {
  return new UserError({
    code: "data.order-changed",
    message: `the checkpoint was made from other batches than this run would read (${reason})`,
    hint: "go on with the version of hueline that wrote the checkpoint, or remove the task's checkpoints (ckpt/<key>/) to begin anew",
    cause,
  });
}
