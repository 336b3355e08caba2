/**
 * Photographs of several sizes through the loader, as their user has it: packed, cropped while training, measured, and the
 * same bytes whether or not somebody kills the training. From PASCAL VOC where the pack is there, else small ones.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { layout } from "../../src/store/layout.ts";
import { openStore } from "../../src/store/open-store.ts";
import {
  hueline,
  openRunFolder,
  runOf,
  startHueline,
  type RunFolder,
} from "../support/hueline.ts";
import { createPhotographs, readPack } from "../support/packed-photographs.ts";
import { photographPack, writeFiles } from "../support/photographs.ts";
import { openTemporaryFolder } from "../support/temporary-folder.ts";
import { waitFor } from "../support/wait-for.ts";

const pipeline = path.join(import.meta.dirname, "photos-small.yaml");
const PHOTOGRAPHS = 60;

let folder = "";
let remove: () => Promise<void> = async () => undefined;
let calm: RunFolder;

const runArguments = (store: string): readonly string[] => [
  "run",
  pipeline,
  "--store",
  store,
  "-p",
  "steps=100",
  "-o",
  "json",
];

beforeAll(async () => {
  ({ folder, remove } = await openTemporaryFolder());
  const pack = photographPack("voc2012-cls.tar");
  writeFiles(
    path.join(folder, "photographs"),
    pack ? readPack(pack, PHOTOGRAPHS) : await createPhotographs(PHOTOGRAPHS),
  );
  const ended = await hueline(runArguments("calm"), { folder });
  expect(ended.stderr).not.toContain("error");
  calm = await openRunFolder(path.join(folder, "calm"), runOf(ended));
}, 180_000);

afterAll(async () => {
  await remove();
});

const taskOf = (run: RunFolder, wanted: string) =>
  run.task(wanted, ({ name }) => name === wanted);

/** What must be the same: files and figures of every task. */
async function resultsOf(run: RunFolder) {
  return Object.fromEntries(
    await Promise.all(
      run.plan.tasks.map(async ({ name, key }) => {
        const { files, metrics } = await run.manifest(key);
        return [name, { files, metrics }] as const;
      }),
    ),
  );
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.trim().split(/\s+/).map(Number);
}

describe("a pipeline of photographs", () => {
  test("trains and measures on crops, and says where the loader's time went", async () => {
    const { metrics, timing } = await calm.manifest(
      taskOf(calm, "pretrain").key,
    );
    expect(metrics).toMatchObject({ steps: 100 });
    expect(timing.loader?.images).toBeGreaterThanOrEqual(100 * 8);
    expect(timing.loader?.trainerWaitMs).toBeLessThanOrEqual(
      timing.loader?.wallMs ?? 0,
    );
    const accuracy = await calm.manifest(taskOf(calm, "accuracy").key);
    expect(accuracy.metrics).toMatchObject({ images: PHOTOGRAPHS });
    const report = readFileSync(
      path.join(calm.folder, layout.runReport(calm.run), "report.html"),
      "utf8",
    );
    expect(report).toContain("Where the time went");
    const log = await calm.log("pretrain");
    expect(log).toMatch(/"loader":\{[^}]*"bottleneck":"/);
  });

  test("killed while it trains and started again, gives the same bytes", async () => {
    const store = path.join(folder, "killed");
    const { key } = taskOf(calm, "pretrain");
    const running = startHueline(runArguments("killed"), folder);
    const objects = openStore(store, { currentFolder: "/" });
    await waitFor(
      "a checkpoint",
      async () => {
        for await (const { path: object } of objects.list(
          layout.checkpoints(key),
        ))
          if (object.endsWith("/manifest.json")) return true;
        return running.isOver() ? true : null;
      },
      60_000,
    );
    for (const pid of childrenOf(running.pid)) process.kill(pid, "SIGKILL");
    running.signal("SIGKILL");
    await running.ended;

    const again = await hueline(runArguments("killed"), { folder });
    expect(again.code).toBe(0);
    const resumed = await openRunFolder(store, runOf(again));
    expect(await resumed.log("pretrain")).toContain('"resumedAtStep"');
    expect(await resultsOf(resumed)).toEqual(await resultsOf(calm));
  }, 120_000);

  test("of several sizes is refused without a crop, with what to give", async () => {
    const text = readFileSync(pipeline, "utf8");
    writeFiles(folder, {
      "whole.yaml": text.replace("      crop: { side: 48 }\n", ""),
    });
    const { code, stderr } = await hueline(
      ["run", "whole.yaml", "--store", "calm"],
      { folder },
    );
    expect(code).not.toBe(0);
    expect(stderr).toContain("expected images of one size");
    expect(stderr).toContain("give the stage a `crop`");
  });
});
