/**
 * What `hueline data order` prints for people: which samples a training reads when. Arithmetic on the index alone: no
 * image is read, no image library is loaded.
 */
import type { Manifest } from "../store/artifacts/manifest.ts";
import type { Store } from "../store/store.ts";
import { createTrainingOrder } from "./order/create-training-order.ts";
import { sharePositions } from "./order/share.ts";
import type { Share } from "./order/training-order.ts";
import { openSampleTable } from "./shards/sample-table.ts";
import { sampleName } from "./shards/shard-index.ts";

/** Which steps are asked for, and who asks. */
export type OrderRequest = Share & {
  readonly seed: number;
  /** Steps are counted from the first batch that begins in this epoch. */
  readonly epoch: number;
  readonly fromStep: number;
  /** Default: to the end of the epoch in which the first of them begins. */
  readonly steps?: number | undefined;
  /** Images of a whole batch, over all ranks. */
  readonly batch: number;
};

export type OrderPreview = readonly {
  readonly position: number;
  readonly sample: number;
  readonly name: string;
  readonly label: string | null;
}[];

/**
 * The first samples that a rank reads, in its order.
 * @throws UserError `data.ranks`, or what the dataset's files throw.
 */
export async function previewOrder(
  store: Store,
  manifest: Manifest,
  request: OrderRequest & { readonly limit: number },
): Promise<OrderPreview> {
  const { catalog, table } = await openSampleTable(store, manifest);
  const order = createTrainingOrder({ table, seed: request.seed });
  const rows: OrderPreview[number][] = [];
  const { first, end } = stepsOf(order.size, request);
  for (let step = first; step < end && rows.length < request.limit; step++)
    for (const position of sharePositions(order, request, {
      ...request,
      step,
    })) {
      const { sample } = order.at(position);
      const { source, label } = table.record(sample);
      const name = sampleName(source);
      const labelName = catalog.classes[label] ?? null;
      rows.push({ position, sample, name, label: labelName });
    }
  return rows.slice(0, request.limit);
}

/** The numbers [first, end) of the steps of a training over `size` samples that a request means. */
export function stepsOf(
  size: number,
  { epoch, fromStep, steps, batch }: OrderRequest,
): { readonly first: number; readonly end: number } {
  const first = Math.ceil((epoch * size) / batch) + fromStep;
  if (steps !== undefined) return { first, end: first + steps };
  const beginsIn = Math.floor((first * batch) / size);
  return { first, end: Math.ceil(((beginsIn + 1) * size) / batch) };
}
