/**
 * Where a worker keeps what it fetched of datasets, from its environment: `HUELINE_CACHE`, a folder that the machine's
 * workers share, and `HUELINE_CACHE_SIZE`, what all of them may fill of it (such as `200Gi`).
 */
import { UserError } from "../base/errors.ts";
import { memoryBytes } from "../spec/params/units.ts";
import type { LoaderSettings } from "../stages/stage.ts";

const DEFAULT_BYTES = 20 * 2 ** 30;

/** Null where no folder is named: nothing is kept. @throws UserError `worker.cache-size`. */
export function toLoaderCache(
  variables: Readonly<Record<string, string | undefined>>,
): LoaderSettings["cache"] {
  const directory = variables["HUELINE_CACHE"];
  if (!directory) return null;
  const written = variables["HUELINE_CACHE_SIZE"];
  if (!written) return { directory, maxBytes: DEFAULT_BYTES };
  const size = memoryBytes.safeParse(written);
  if (size.success) return { directory, maxBytes: size.data };
  throw new UserError({
    code: "worker.cache-size",
    message: `expected a size such as 200Gi in HUELINE_CACHE_SIZE; found '${written}'`,
    hint: "correct the variable in the worker's environment, or remove it: 20Gi is the standard",
  });
}
