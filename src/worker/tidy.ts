/** Clearing away what a task no longer needs, once it is decided. */
import { toError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Store } from "../store/store.ts";

/** After the commit the task is done (A): what cannot be cleared away is only room that is taken up. */
export async function tidy(
  log: Logger,
  clear: () => Promise<void>,
): Promise<void> {
  try {
    await clear();
  } catch (thrown) {
    const reason = toError(thrown).message;
    log.warn({ reason }, "what the task no longer needs could not be removed");
  }
}

/** Files of an attempt that lost: nothing names them. */
export async function discardFiles(
  store: Store,
  prefix: string,
): Promise<void> {
  const paths: string[] = [];
  for await (const { path } of store.list(prefix)) paths.push(path);
  for (const path of paths) await store.remove(path);
}
