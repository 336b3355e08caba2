/**
 * Listings: all pages or an error, in the order of the port.
 *
 * S3 orders keys by their UTF-8 bytes, the port by UTF-16 code units. Both agree but for characters from U+E000 on:
 * those beyond U+FFFF are surrogates in UTF-16 and come before U+E000…U+FFFF. Keys that agree up to such a character
 * are held back and sorted; everything else streams.
 */
import type { Bucket, ListedKey, ListPage } from "./bucket.ts";
import type { Retry } from "./retry.ts";

/** Below it logs go on (`log.ts`). */
export const segmentsFolder = ".segments/";

export type Listing = ReturnType<typeof createListing>;

/** Takes and gives whole keys; `root`, and where logs go on, are what messages leave out of them. */
export function createListing(bucket: Bucket, retry: Retry, root: string) {
  async function* pages(
    prefix: string,
    delimiter?: "/",
  ): AsyncGenerator<ListPage> {
    const action = describe(prefix.slice(root.length));
    let after: string | null = null;
    do {
      const options = { prefix, after, ...(delimiter ? { delimiter } : {}) };
      const page: ListPage = await retry.run(action, () =>
        bucket.listPage(options),
      );
      yield page;
      after = page.next;
    } while (after !== null);
  }
  async function* keys(prefix: string): AsyncGenerator<ListedKey> {
    for await (const page of pages(prefix)) yield* page.keys;
  }
  return {
    /** Keys under a prefix, in the order of code units. */
    keys: (prefix: string) => inCodeUnitOrder(keys(prefix)),
    /** Names between the prefix and the next `/`, in the order of code units. */
    async folders(prefix: string): Promise<string[]> {
      const names: string[] = [];
      for await (const page of pages(prefix, "/"))
        for (const found of page.prefixes)
          names.push(found.slice(prefix.length, -1));
      return names.sort();
    },
  };
}

/** For messages, which say behind it in which store. */
function describe(prefix: string): string {
  const path = prefix.startsWith(segmentsFolder)
    ? prefix.slice(segmentsFolder.length)
    : prefix;
  return path === "" ? "list what is" : `list '${path}'`;
}

/** Re-orders keys that come in the order of their UTF-8 bytes. */
export async function* inCodeUnitOrder<T extends { readonly key: string }>(
  keys: AsyncIterable<T>,
): AsyncGenerator<T> {
  let held: T[] = [];
  let stem = "";
  for await (const entry of keys) {
    if (held.length > 0 && !entry.key.startsWith(stem)) {
      yield* sorted(held);
      held = [];
    }
    if (held.length === 0) {
      const at = entry.key.search(/[\ud800-\uffff]/);
      if (at < 0) {
        yield entry;
        continue;
      }
      stem = entry.key.slice(0, at);
    }
    held.push(entry);
  }
  yield* sorted(held);
}

function sorted<T extends { readonly key: string }>(entries: T[]): T[] {
  return entries.sort((a, b) => (a.key < b.key ? -1 : 1));
}
