/**
 * The attempts of a run's tasks as an executor remembers them, one small object per task, so that counts and reasons
 * survive the driver, and in a cluster the Jobs; there, only of those that were no successes. One writer: who holds the
 * run's lease.
 */
import { z } from "zod";
import { mapBounded } from "../../base/async.ts";
import { UserError } from "../../base/errors.ts";
import type { AttemptObservation } from "../../run/observation.ts";
import { readJson, toJsonBytes } from "../json.ts";
import { layout } from "../layout.ts";
import type { Store } from "../store.ts";

const READS_AT_ONCE = 16;

const attemptsSchema = z.array(
  z.object({
    number: z.int().positive(),
    startedAtMs: z.number(),
    end: z.nullable(
      z.object({
        atMs: z.number(),
        exitCode: z.int().nullable(),
        cause: z
          .enum([
            "out-of-memory",
            "evicted",
            "lost",
            "deadline",
            "claim",
            "stopped-by-us",
          ])
          .nullable(),
        reason: z.string(),
        isFinal: z.boolean().optional(),
      }),
    ),
  }),
);

/** All that is remembered of a run: task → attempts. Throws `run.attempts-corrupt` (UserError). */
export async function readAttempts(
  store: Store,
  run: string,
): Promise<ReadonlyMap<string, readonly AttemptObservation[]>> {
  const folder = layout.runAttempts(run);
  const paths: string[] = [];
  for await (const { path } of store.list(folder)) paths.push(path);
  const entries = await mapBounded(paths, READS_AT_ONCE, async (path) => {
    const task = path.slice(folder.length, -".json".length);
    return [task, await readOne(store, path)] as const;
  });
  return new Map(entries);
}

/** Replaces what is remembered of one task. */
export function writeAttempts(
  store: Store,
  options: {
    readonly run: string;
    readonly task: string;
    readonly attempts: readonly AttemptObservation[];
  },
): Promise<void> {
  const { run, task, attempts } = options;
  return store.put(
    `${layout.runAttempts(run)}${task}.json`,
    toJsonBytes(attempts),
  );
}

async function readOne(
  store: Store,
  path: string,
): Promise<readonly AttemptObservation[]> {
  const bytes = await store.read(path);
  if (bytes === null) return [];
  const json = readJson(bytes);
  const parsed = attemptsSchema.safeParse(
    json.kind === "value" ? json.value : null,
  );
  if (parsed.success) return parsed.data;
  throw new UserError({
    code: "run.attempts-corrupt",
    message: `expected the attempts of a task in '${path}' of ${store.url}, found something else`,
    hint: "remove that object: the task then counts as never tried",
  });
}
