/** The store against a real S3 server. Skipped where Go is absent, but not in CI. */
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { afterAll, beforeAll } from "vitest";
import {
  installVersitygw,
  startVersitygw,
} from "../../scripts/s3-server/versitygw.ts";
import type { RunningServer } from "../../scripts/s3-server/versitygw.ts";
import { cacheRootOf } from "../../src/engine/location.ts";
import { createS3Store } from "../../src/store/s3.ts";
import { describeStore } from "../contract/store.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";

const bucket = "hueline-test";
let server: RunningServer;
let folder: Awaited<ReturnType<typeof openTemporaryFolder>>;

beforeAll(async () => {
  const cacheRoot = cacheRootOf(process.env["XDG_CACHE_HOME"], homedir());
  const program = await installVersitygw({ cacheRoot });
  folder = await openTemporaryFolder();
  await mkdir(`${folder.folder}/${bucket}`);
  server = await startVersitygw({ program, directory: folder.folder });
}, 900_000);
afterAll(async () => {
  await server?.stop();
  await folder?.remove();
});

let prefixes = 0;
const openStore = (prefix: string) =>
  createS3Store({
    bucket,
    prefix,
    connection: {
      endpoint: server.endpoint,
      region: "us-east-1",
      credentials: server,
    },
  });

describeStore("the S3 store on versitygw", {
  async open() {
    const prefix = `p${++prefixes}`;
    const stores = [openStore(prefix)];
    return {
      store: stores[0] as (typeof stores)[0],
      again() {
        const store = openStore(prefix);
        stores.push(store);
        return store;
      },
      async close() {
        for (const store of stores) await store.close();
      },
    };
  },
});
