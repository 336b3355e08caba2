/** The store against our own S3 server, with no faults. */
import { expect, test } from "vitest";
import { createS3Store } from "../../src/store/s3.ts";
import type { S3Store } from "../../src/store/s3.ts";
import { codeOf } from "../contract/_store-support.ts";
import { describeStore } from "../contract/store.ts";
import { startS3TestServer } from "../support/s3-server/server.ts";
import { toS3Options } from "../support/s3-server/store-options.ts";

describeStore("the S3 store", {
  async open() {
    // Pages of seven: every listing of the suite goes over several.
    const server = await startS3TestServer({ pageSize: 7 });
    const stores: S3Store[] = [];
    const again = (): S3Store => {
      const store = createS3Store(toS3Options(server));
      stores.push(store);
      return store;
    };
    return {
      store: again(),
      again,
      async close() {
        for (const store of stores) await store.close();
        await server.close();
      },
    };
  },
});

test("a link of more than seven days, or of no time, is refused: S3 knows none", async () => {
  const store = createS3Store({
    bucket: "no-such-server",
    prefix: "",
    connection: {
      endpoint: "http://127.0.0.1:1",
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
    },
  });
  for (const seconds of [604_801, 0, -5, Number.NaN])
    expect(await codeOf(store.link("a", seconds))).toBe("store.link");
});
