/** The store against a real S3 server. Skipped where Go is absent, but not in CI. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  installVersitygw,
  startVersitygw,
} from "../../scripts/s3-server/versitygw.ts";
import type { RunningServer } from "../../scripts/s3-server/versitygw.ts";
import { systemClock } from "../../src/base/clock.ts";
import { cacheRootOf } from "../../src/engine/location.ts";
import { createS3Store } from "../../src/store/s3.ts";
import type { S3Store } from "../../src/store/s3.ts";
import { describeStore } from "../contract/store.ts";
import { startBreakingFront } from "../support/s3-server/breaking-front.ts";
import { toS3Options } from "../support/s3-server/store-options.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";

const bucket = "hueline-test";
let server: RunningServer;
let folder: Awaited<ReturnType<typeof openTemporaryFolder>>;

/** Go installs the server. In CI its absence is a failure. */
const hasGo = spawnSync("go", ["version"]).status === 0;
const isRequired = hasGo || Boolean(process.env["CI"]);
describe.runIf(isRequired)("on a real server (Go installs it)", () => {
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
  const openStore = (prefix: string): S3Store =>
    createS3Store({ ...toS3Options({ ...server, bucket }), prefix });

  test("it does all that a store can use", async () => {
    const store = openStore("probed");
    expect(await store.probe()).toEqual({
      ifNoneMatch: true,
      ifMatch: true,
      metadata: true,
      checksums: true,
      ranges: true,
      conditionalReads: true,
      conditionalRemoval: true,
      conditionalUploads: true,
    });
    const paths: string[] = [];
    for await (const { path } of store.list("")) paths.push(path);
    expect(paths).toEqual([]);
    await store.close();
  });

  test("an object in parts is read back whole, and no upload is left", async () => {
    const store = createS3Store({
      ...toS3Options({ ...server, bucket }),
      partBytes: 5 * 1024 * 1024,
    });
    const bytes = randomBytes(12_345_678);
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.byteLength; at += 1_000_000)
        yield bytes.subarray(at, at + 1_000_000);
    }
    await store.putStream("large.bin", bytes.byteLength, chunks());
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.byteLength));
    shared.set(bytes);
    await store.put("shared.bin", shared);
    for (const path of ["large.bin", "shared.bin"])
      expect(bytes.equals((await store.read(path)) ?? Buffer.alloc(0))).toBe(
        true,
      );
    const range = { offset: 5_242_000, length: 3_000 };
    expect(await store.read("large.bin", range)).toEqual(
      new Uint8Array(bytes.subarray(5_242_000, 5_245_000)),
    );
    await store.close();
  });

  test("a link gives the bytes to whoever has it; changed, or after its time, it gives nothing", async () => {
    const path = "runs/r é+1/report (1).html";
    const store = openStore("linked");
    await store.put(path, Buffer.from("<h1>done</h1>"));
    const link = (await store.link(path, 3600)) ?? "";
    const answer = await fetch(link);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe("<h1>done</h1>");

    const past = createS3Store({
      ...toS3Options({ ...server, bucket }),
      prefix: "linked",
      clock: { ...systemClock, now: () => Date.now() - 2 * 3600_000 },
    });
    const digit = link.endsWith("0") ? "1" : "0";
    const refused = {
      "of another signature": link.slice(0, -1) + digit,
      "of another object": link.replace("report", "secret"),
      "for a longer time": link.replace("=3600", "=36000"),
      "whose time is over": (await past.link(path, 3600)) ?? "",
    };
    for (const [kind, url] of Object.entries(refused))
      expect(`${kind}: ${(await fetch(url)).status}`).toBe(`${kind}: 403`);
    await store.close();
    await past.close();
  });

  test("ranges are continued over broken connections, straight into shared memory", async () => {
    const store = openStore("broken");
    const bytes = randomBytes(6_000_000);
    await store.put("large.bin", bytes);
    const front = await startBreakingFront(server.endpoint, 1_000_000);
    const broken = createS3Store({
      ...toS3Options({ ...server, endpoint: front.endpoint, bucket }),
      prefix: "broken",
      limits: { firstDelayMs: 1, maxDelayMs: 2 },
    });
    const target = new Uint8Array(new SharedArrayBuffer(5_000_000));
    expect(await broken.readInto("large.bin", 500_000, target)).toBe(true);
    const want = bytes.subarray(500_000, 5_500_000);
    expect(Buffer.compare(target, want)).toBe(0);
    expect(front.connections()).toBeGreaterThan(4);
    await broken.close();
    await store.close();
    await front.close();
  });

  describeStore("the S3 store on versitygw", {
    async open() {
      const prefix = `p${++prefixes}`;
      const stores: S3Store[] = [];
      const again = (): S3Store => {
        const store = openStore(prefix);
        stores.push(store);
        return store;
      };
      return {
        store: again(),
        again,
        async close() {
          for (const store of stores) await store.close();
        },
      };
    },
  });
});
