/**
 * What people ask of a run while it runs: cancel it, or count its failures no more. A record, since several people may
 * ask at once; the driver reads it in each turn of its loop.
 */
import { z } from "zod";
import { UserError } from "../../base/errors.ts";
import { noControl } from "../../run/observation.ts";
import type { RunControl } from "../../run/observation.ts";
import { readJson, toJsonBytes } from "../json.ts";
import { layout } from "../layout.ts";
import type { Store } from "../store.ts";

const controlSchema = z.object({
  cancel: z.boolean(),
  retriedAtMs: z.record(z.string(), z.number()),
});

/** What is asked of a run; `noControl` if nobody has asked anything. */
export async function readControl(
  store: Store,
  run: string,
): Promise<RunControl> {
  return (await readWithEtag(store, run)).control;
}

/** Changes it with a pure function, which runs again on the newest value if somebody else changed it meanwhile. */
export async function updateControl(
  store: Store,
  run: string,
  change: (control: RunControl) => RunControl,
): Promise<RunControl> {
  for (;;) {
    const { control, etag } = await readWithEtag(store, run);
    const changed = change(control);
    const bytes = toJsonBytes(controlSchema.parse(changed));
    const outcome = await store.swap(layout.runControl(run), bytes, etag);
    if (outcome.kind === "written") return changed;
  }
}

/** Asks the driver to stop everything. */
export function requestCancel(store: Store, run: string): Promise<RunControl> {
  return updateControl(store, run, (control) => ({ ...control, cancel: true }));
}

/** Asks for a fresh start of a task's failures (`*`: of all tasks) before `atMs`; takes back a cancel. */
export function requestRetry(
  store: Store,
  options: {
    readonly run: string;
    readonly task: string;
    readonly atMs: number;
  },
): Promise<RunControl> {
  const { run, task, atMs } = options;
  return updateControl(store, run, ({ retriedAtMs }) => ({
    cancel: false,
    retriedAtMs: {
      ...retriedAtMs,
      [task]: Math.max(atMs, retriedAtMs[task] ?? 0),
    },
  }));
}

async function readWithEtag(
  store: Store,
  run: string,
): Promise<{ readonly control: RunControl; readonly etag: string | null }> {
  const path = layout.runControl(run);
  const found = await store.readRecord(path);
  if (found === null) return { control: noControl, etag: null };
  const json = readJson(found.bytes);
  const parsed = controlSchema.safeParse(
    json.kind === "value" ? json.value : null,
  );
  if (parsed.success) return { control: parsed.data, etag: found.etag };
  throw new UserError({
    code: "run.corrupt",
    message: `'${path}' in ${store.url} is not what a run writes there`,
    hint: "remove that object and ask again",
  });
}
