/**
 * What a run has used so far, as who drives it adds it up: so that a budget holds over restarts and after pods are gone.
 * One writer: who holds the run's lease.
 */
import { z } from "zod";
import { UserError } from "../../base/errors.ts";
import { readJson, toJsonBytes } from "../json.ts";
import { layout } from "../layout.ts";
import type { Store } from "../store.ts";

const usageSchema = z.object({
  gpuSeconds: z.number().nonnegative(),
  /** Up to when. */
  atMs: z.number(),
});

export type RunUsage = Readonly<z.output<typeof usageSchema>>;

/** Null: nothing was written down. */
export async function readUsage(
  store: Store,
  run: string,
): Promise<RunUsage | null> {
  const path = layout.runUsage(run);
  const bytes = await store.read(path);
  if (bytes === null) return null;
  const json = readJson(bytes);
  const parsed = usageSchema.safeParse(
    json.kind === "value" ? json.value : null,
  );
  if (parsed.success) return parsed.data;
  throw new UserError({
    code: "run.corrupt",
    message: `'${path}' in ${store.url} is not what a run writes there`,
    hint: "remove that object: what pods have used that are gone then counts no more",
  });
}

export async function writeUsage(
  store: Store,
  run: string,
  usage: RunUsage,
): Promise<void> {
  await store.put(layout.runUsage(run), toJsonBytes(usage));
}
