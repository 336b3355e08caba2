/**
 * What `hueline data` may ask of this room. Nothing here loads an image library before it is needed: most of it looks at
 * files without decoding them.
 */
import type { BatchRequest, BatchSums } from "./read-batches.ts";
import type { Manifest } from "../store/artifacts/manifest.ts";
import type { Store } from "../store/store.ts";

export { listDataset, readSample, verifyDataset } from "./inspect.ts";
export { previewOrder } from "./preview-order.ts";

/** As `read-batches.ts`, which loads the loader. */
export async function* readBatches(
  store: Store,
  manifest: Manifest,
  request: BatchRequest,
): AsyncGenerator<BatchSums, void, undefined> {
  const batches = await import("./read-batches.ts");
  yield* batches.readBatches(store, manifest, request);
}
