/** The commands that move things, on a bucket of a real S3 server: push, a run on what was pushed, pull, links, gc. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hueline } from "../support/hueline.ts";
import { createPhotographs } from "../support/packed-photographs.ts";
import { writeFiles } from "../support/photographs.ts";
import { canHaveRealBucket, openRealBucket } from "../support/real-bucket.ts";
import type { RealBucket } from "../support/real-bucket.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";

describe.runIf(canHaveRealBucket())(
  "on a real S3 server (Go installs it)",
  { timeout: 180_000 },
  () => {
    let folder = "";
    let remove: () => Promise<void> = async () => undefined;
    let bucket: RealBucket;
    const json = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await hueline([...args, "-o", "json"], {
        folder,
        variables: {
          ...bucket.variables(),
          HUELINE_STORE: `${bucket.url}/store`,
        },
      });
      expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({
        code: 0,
        stderr: "",
      });
      return JSON.parse(stdout) as Record<string, unknown>;
    };

    beforeAll(async () => {
      ({ folder, remove } = await openTemporaryFolder());
      bucket = await openRealBucket(folder);
      writeFiles(path.join(folder, "photos"), await createPhotographs(12));
    }, 900_000);
    afterAll(async () => {
      await bucket?.close();
      await remove();
    });

    test("a pushed folder is a shard stage's source; the run is pulled, linked, pinned and collected", async () => {
      const source = `${bucket.url}/photos/`;
      const pushed = await json("data", "push", "photos", source);
      expect(pushed).toMatchObject({ source, new: { files: 12 } });
      expect(await json("data", "push", "photos", source)).toMatchObject({
        new: { files: 0 },
        there: { files: 12 },
      });
      const stages = {
        photos: { kind: "shard", with: { source, format: "image-folder" } },
        scratch: {
          kind: "initialize",
          inputs: { data: "photos" },
          with: { model: "conv6", crop: { side: 48 } },
        },
      };
      const file = path.join(folder, "pushed.yaml");
      await writeFile(file, JSON.stringify({ name: "pushed", stages }));
      await json("run", file);

      const target = `${bucket.url}/other-store`;
      const copied = ["data", "push", "pushed/photos", "--to", target];
      const { dataset, ...first } = await json(...copied);
      expect(first).toMatchObject({ artifacts: 2, copied: 2 });
      expect(await json(...copied)).toMatchObject({ copied: 0 });
      await json("data", "verify", String(dataset), "--store", target);

      const { files } = await json("pull", "pushed", "out", "--verify");
      const { stdout } = await promisify(execFile)(
        "sha256sum",
        ["-c", "SHA256SUMS"],
        { cwd: path.join(folder, "out") },
      );
      expect(stdout.trim().split("\n")).toHaveLength(files as number);
      const { links } = (await json("pull", "pushed", "--links=1h")) as {
        readonly links: readonly { readonly url: string; sizeBytes: number }[];
      };
      for (const { url, sizeBytes } of links) {
        const answer = await fetch(url);
        expect(answer.status).toBe(200);
        expect((await answer.arrayBuffer()).byteLength).toBe(sizeBytes);
      }
      expect(links).toHaveLength(files as number);

      const all = ["gc", "--yes", "--grace", "0s", "--keep-runs", "0"];
      await json("pin", "pushed", "--reason", "e2e");
      expect(await json(...all)).toMatchObject({ runs: [], artifacts: [] });
      await json("unpin", "pushed");
      const { runs, artifacts, skipped } = await json(...all);
      expect(skipped).toEqual([]);
      expect(runs).toHaveLength(1);
      expect(artifacts).toHaveLength(3);
      const left: string[] = [];
      for await (const { path: object } of bucket.openStore("store").list(""))
        if (!/^(claims|gc)\//.test(object)) left.push(object);
      expect(left).toEqual([]);
    });
  },
);
