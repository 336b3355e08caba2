/**
 * Who reads which part of every batch: rank r of R takes the positions q with q mod R = r. The whole batch is the same
 * for every R that divides it and the streams; those that do not are refused, since their batches would differ.
 */
import { UserError } from "../../base/errors.ts";
import type { Share, TrainingOrder } from "./training-order.ts";

/**
 * The positions of one rank's part of the batch of a step, in their order.
 * @throws UserError `data.ranks` when the ranks do not divide the batch or the streams.
 */
export function sharePositions(
  order: TrainingOrder,
  share: Share,
  { batch, step }: { readonly batch: number; readonly step: number },
): number[] {
  checkShare(order, share);
  const { rank, ranks } = share;
  if (batch % ranks !== 0)
    throw badRanks(
      `a batch of ${batch} images can not be shared by ${ranks} ranks: some would have more than others`,
      `choose a batch that is a multiple of ${ranks}, or a number of ranks that divides ${batch}`,
    );
  return Array.from(
    { length: batch / ranks },
    (_, i) => step * batch + i * ranks + rank,
  );
}

/** @throws UserError `data.ranks` when the ranks do not divide the streams, or the rank is not one of them. */
export function checkShare(
  order: Pick<TrainingOrder, "kind" | "streams">,
  { rank, ranks }: Share,
): void {
  if (!Number.isInteger(ranks) || ranks < 1)
    throw badRanks(
      `expected 1 or more ranks, found ${ranks}`,
      "ranks are counted from 1, a rank is numbered from 0",
    );
  if (!Number.isInteger(rank) || rank < 0 || rank >= ranks)
    throw badRanks(
      `expected a rank from 0 to ${ranks - 1}, found ${rank}`,
      "ranks are numbered from 0",
    );
  if (order.kind === "streams" && order.streams % ranks !== 0)
    throw badRanks(
      `the order's ${order.streams} streams can not be shared by ${ranks} ranks`,
      `choose a number of ranks that divides ${order.streams}`,
    );
}

function badRanks(message: string, hint: string): UserError {
  return new UserError({ code: "data.ranks", message, hint });
}
