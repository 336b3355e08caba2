/**
 * A run whose store is a bucket of a real S3 server ends in the bytes of a run whose store is a folder: on a calm day,
 * and on a network that fails while the server is killed.
 */
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFileStore } from "../../src/store/fs.ts";
import { hueline } from "../support/hueline.ts";
import { canHaveRealBucket, openRealBucket } from "../support/real-bucket.ts";
import type { RealBucket } from "../support/real-bucket.ts";
import { startFaultProxy } from "../support/s3-server/fault-proxy.ts";
import type { FaultProxy } from "../support/s3-server/fault-proxy.ts";
import { createRandomFaults } from "../support/s3-server/faults.ts";
import { fingerprintStore } from "../support/store-bytes.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";
import { waitFor } from "../support/wait-for.ts";

const pipeline = path.join(import.meta.dirname, "small.yaml");

describe.runIf(canHaveRealBucket())(
  "on a real S3 server (Go installs it), a run",
  { timeout: 180_000 },
  () => {
    let folder = "";
    let remove: () => Promise<void> = async () => undefined;
    let bucket: RealBucket;
    let proxy: FaultProxy;
    let wanted: Record<string, unknown>;

    beforeAll(async () => {
      ({ folder, remove } = await openTemporaryFolder());
      bucket = await openRealBucket(folder);
      proxy = await startFaultProxy(bucket.endpoint);
      const { code, stderr } = await hueline(["run", pipeline], { folder });
      expect({ code, stderr }).toMatchObject({ code: 0 });
      const directory = path.join(folder, ".hueline");
      wanted = await fingerprintStore(createFileStore({ directory }));
      expect(Object.keys(wanted).length).toBeGreaterThan(10);
    }, 900_000);
    afterAll(async () => {
      await proxy?.close();
      await bucket?.close();
      await remove();
    });

    const runIn = (prefix: string, endpoint: string) =>
      hueline(["run", pipeline, "--store", `${bucket.url}/${prefix}`], {
        folder,
        variables: bucket.variables(endpoint),
      });

    test("ends in the same bytes as in a folder", async () => {
      const { code, stderr } = await runIn("calm", bucket.endpoint);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      const found = await fingerprintStore(bucket.openStore("calm"));
      expect(found).toEqual(wanted);
    });

    test("ends in the same bytes on a network that fails, though the server is killed", async () => {
      proxy.setFaults(
        createRandomFaults({ seed: 5, rate: 1 / 12, slowMs: null }),
      );
      const store = bucket.openStore("stormy");
      const ended = runIn("stormy", proxy.endpoint);
      await waitFor("the first artifacts", async () =>
        (await store.listFolders("cas/")).length >= 2 ? true : null,
      );
      await bucket.kill();
      await waitFor("a server that is missed", () =>
        (proxy.faults.get("unreachable") ?? 0) >= 20 ? true : null,
      );
      await bucket.restart();
      const { code, stderr } = await ended;
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect([...proxy.faults.keys()]).toEqual(
        expect.arrayContaining(["refuse", "reset", "truncate", "corrupt"]),
      );
      expect(await fingerprintStore(store)).toEqual(wanted);
    });
  },
);
