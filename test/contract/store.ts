/**
 * What every store must do: one suite, run against each adapter. `open` gives a store that is empty; `again` another
 * client of the same store, as another process would have it.
 */
import { afterEach, beforeEach, describe } from "vitest";
import { describeObjects } from "./_store-objects.ts";
import { describePaths } from "./_store-paths.ts";
import { describeReads } from "./_store-reads.ts";
import { describeRaces } from "./_store-records.ts";
import type { OpenedStore } from "./_store-support.ts";

export function describeStore(
  name: string,
  options: { open(): Promise<OpenedStore> },
): void {
  describe(`${name} keeps the store's contract:`, () => {
    let opened: OpenedStore;
    beforeEach(async () => {
      opened = await options.open();
    });
    afterEach(() => opened.close());
    const at: OpenedStore = {
      get store() {
        return opened.store;
      },
      again: () => opened.again(),
      close: () => opened.close(),
    };
    describeObjects(at);
    describeReads(at);
    describeRaces(at);
    describePaths(at);
  });
}
