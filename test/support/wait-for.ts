/** Waiting for something that another process does: looks often, and says what never came. */
import { setTimeout as delay } from "node:timers/promises";

export async function waitFor<T>(
  what: string,
  look: () => Promise<T | null> | T | null,
  timeoutMs = 20_000,
  everyMs = 5,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > deadline)
      throw new Error(`${what} has not come within ${timeoutMs} ms`);
    await delay(everyMs);
  }
}
