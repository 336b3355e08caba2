/**
 * Which tasks of a run were in the store when it began: none of its doing. Written down once, since whoever drives it
 * later could not tell them from those that the run has done.
 */
import { z } from "zod";
import { UserError } from "../../base/errors.ts";
import type { Plan } from "../../plan/plan.ts";
import { readRanges, writeRanges } from "../../run/index-ranges.ts";
import { readJson, toJsonBytes } from "../json.ts";
import { layout } from "../layout.ts";
import type { Store } from "../store.ts";

/** Places in the plan, as ranges: a few bytes, whatever the size of the plan (invariant E). */
const foundSchema = z.object({ version: z.literal(1), tasks: z.string() });

/** Keys that the run found. @param isCommitted asked only where nobody has written it down yet. */
export async function settleFound(
  store: Store,
  options: {
    readonly run: string;
    readonly plan: Plan;
    readonly isCommitted: (key: string) => boolean;
  },
): Promise<ReadonlySet<string>> {
  const { run, plan, isCommitted } = options;
  const path = layout.runFound(run);
  const keysOf = (ranges: string): ReadonlySet<string> =>
    new Set(
      [...readRanges(ranges)].flatMap((index) => plan.tasks[index]?.key ?? []),
    );
  const known = await readFound(store, path);
  if (known !== null) return keysOf(known);
  const tasks = writeRanges(
    plan.tasks.flatMap(({ key }, index) => (isCommitted(key) ? [index] : [])),
  );
  const bytes = toJsonBytes({ version: 1, tasks });
  if ((await store.putIfAbsent(path, bytes)) === "written")
    return keysOf(tasks);
  return keysOf((await readFound(store, path)) ?? "");
}

async function readFound(store: Store, path: string): Promise<string | null> {
  const bytes = await store.read(path);
  if (bytes === null) return null;
  const json = readJson(bytes);
  const parsed = foundSchema.safeParse(
    json.kind === "value" ? json.value : null,
  );
  if (parsed.success) return parsed.data.tasks;
  throw new UserError({
    code: "run.corrupt",
    message: `'${path}' in ${store.url} is not what a run writes there`,
    hint: "remove that object: what is in the store then counts as found",
  });
}
