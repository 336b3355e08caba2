/**
 * A training that is told to stop, loses checkpoints, diverges, or may not have what it asks for. Whatever happens, the
 * weights that come out in the end are those of a run that nobody disturbed (docs/design.md, invariant H).
 */
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { layout } from "../../../src/store/layout.ts";
import type { Manifest } from "../../../src/store/artifacts/manifest.ts";
import {
  hueline,
  openRunFolder,
  runOf,
  startHueline,
  type RunFolder,
} from "../../support/hueline.ts";
import { openTemporaryFolder } from "../../support/temporary-folder.ts";
import { waitFor } from "../../support/wait-for.ts";

const pipeline = path.join(import.meta.dirname, "training.yaml");
const task = "pretrain";

let folder = "";
let remove: () => Promise<void> = async () => undefined;
let calm: RunFolder;
let key = "";
/** The files of the undisturbed training. */
let wanted: Manifest["files"] = [];

beforeAll(async () => {
  ({ folder, remove } = await openTemporaryFolder());
  const ended = await hueline(
    ["run", pipeline, "-o", "json", "--store", "calm"],
    { folder },
  );
  expect(ended.stderr).not.toContain("error");
  calm = await openRunFolder(path.join(folder, "calm"), runOf(ended));
  key = calm.task(task, ({ name }) => name === task).key;
  wanted = (await calm.manifest(key)).files;
}, 120_000);

afterAll(async () => {
  await remove();
});

/** A copy of a store of the folder. */
function copyOf(from: string, to: string): string {
  const store = path.join(folder, to);
  cpSync(path.join(folder, from), store, { recursive: true });
  return store;
}

/** Checkpoints that have a manifest, newest first. */
function checkpointsIn(store: string): readonly string[] {
  const all = path.join(store, layout.checkpoints(key));
  if (!existsSync(all)) return [];
  return readdirSync(all)
    .map((name) => path.join(all, name))
    .filter((place) => existsSync(path.join(place, "manifest.json")))
    .sort((a, b) => stepOf(b) - stepOf(a));
}

const stepOf = (place: string): number => Number(place.split("-").at(-1));

/** Trains until there are two checkpoints, sends the signal, and returns how the run ended. */
async function stopHalfWay(name: string, signal: NodeJS.Signals) {
  const store = copyOf("calm", name);
  rmSync(path.join(store, "cas", key), { recursive: true });
  const running = startHueline(["run", pipeline, "--store", name], folder);
  await waitFor("a second checkpoint", () =>
    checkpointsIn(store).length >= 2 || running.isOver() ? true : null,
  );
  running.signal(signal);
  const ended = await running.ended;
  return { ...ended, store, left: await openRunFolder(store, calm.run) };
}

type Line = {
  readonly resumedAtStep?: number;
  readonly checkpoint?: string;
  readonly damaged?: number;
};

/** JSON lines of a log; libraries print others. */
function linesOf(log: string): readonly Line[] {
  return log
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line);
}

const resumedAt = (log: string) =>
  linesOf(log).flatMap(({ resumedAtStep }) => resumedAtStep ?? []);

describe.each(["SIGTERM", "SIGINT"] as const)("%s in the middle", (signal) => {
  test("ends with 143 after a checkpoint, and the next run goes on from it to the same bytes", async () => {
    const stopped = await stopHalfWay(signal, signal);
    expect(stopped.output).not.toContain("error");
    expect(stopped.code).toBe(143);
    const [newest = ""] = checkpointsIn(stopped.store);
    const status = await hueline(["status", "-o", "json", "--store", signal], {
      folder,
    });
    expect(JSON.parse(status.stdout).status).toMatchObject({
      phase: "Pending",
      reason:
        "stopped with 2 of 3 tasks done; run the same file again to go on",
    });

    const again = await hueline(["run", pipeline, "--store", signal], {
      folder,
    });
    expect(again.code).toBe(0);
    expect(resumedAt(await stopped.left.log(task))).toEqual([stepOf(newest)]);
    expect((await stopped.left.manifest(key)).files).toEqual(wanted);
    expect(existsSync(path.join(stopped.store, "ckpt", key))).toBe(false);
  }, 60_000);
});

describe("damaged checkpoints", () => {
  beforeAll(async () => {
    const { code } = await stopHalfWay("stopped", "SIGTERM");
    expect(code).toBe(143);
  }, 60_000);

  const flip = (file: string): void => {
    const bytes = readFileSync(file);
    bytes.set([(bytes.at(-1) ?? 0) ^ 1], bytes.length - 1);
    writeFileSync(file, bytes);
  };
  type Source = "newest" | "older" | "none";
  test.each<[string, (places: readonly string[]) => void, Source, number]>([
    ["none", () => undefined, "newest", 0],
    [
      "the newest one's model has one bit changed",
      ([newest = ""]) => flip(path.join(newest, "model.safetensors")),
      "older",
      1,
    ],
    [
      "the newest one's optimizer was cut off",
      ([newest = ""]) =>
        truncateSync(path.join(newest, "optimizer.safetensors"), 100),
      "older",
      1,
    ],
    [
      // Without a manifest there is no checkpoint, only files that somebody was writing when he died.
      "the newest one's manifest is missing",
      ([newest = ""]) => rmSync(path.join(newest, "manifest.json")),
      "older",
      0,
    ],
    [
      "the newest one's manifest is empty",
      ([newest = ""]) => truncateSync(path.join(newest, "manifest.json")),
      "older",
      1,
    ],
    [
      "both are damaged",
      (places) => {
        for (const place of places) flip(path.join(place, "state.json"));
      },
      "none",
      2,
    ],
  ])(
    "%s: falls back, says so, and comes to the same bytes",
    async (name, damage, source, skipped) => {
      const store = copyOf("stopped", name);
      const places = checkpointsIn(store);
      expect(places).toHaveLength(2);
      damage(places);
      const { code, stdout } = await hueline(
        ["worker", "--store", store, "--run", calm.run, "--task", task],
        { folder },
      );
      expect(code).toBe(0);
      const [newest, older] = places;
      const place = { newest, older, none: undefined }[source];
      expect(resumedAt(stdout)).toEqual(place ? [stepOf(place)] : []);
      const lines = linesOf(stdout);
      expect(lines.filter((line) => line.checkpoint)).toHaveLength(skipped);
      const restarts = lines.filter((line) => line.damaged);
      expect(restarts).toHaveLength(source === "none" ? 1 : 0);
      const left = await openRunFolder(store, calm.run);
      expect((await left.manifest(key)).files).toEqual(wanted);
    },
    60_000,
  );
});

describe("a training that cannot go well", () => {
  test.each([
    {
      what: "a loss that is not finite names the step and what to lower, and is not tried again",
      args: ["-p", "rate=1e30"],
      exitCode: 65,
      reason: /finite loss; found \S+ at step \d+ .*lower the learning rate/,
    },
    {
      what: "more memory than the machine has is refused before anything starts",
      args: ["-p", "images=21", "-p", "memory=900Ti"],
      exitCode: undefined,
      reason: /declares 921600\.0 GiB of memory.*lower 'resources\.memory'/,
    },
    {
      what: "a time limit that is too short is told with the setting to raise",
      args: ["-p", "images=22", "-p", "timeout=1ms"],
      exitCode: 143,
      reason: /over its time limit of 0\.001 s; raise 'timeout'/,
    },
  ])(
    "$what",
    async ({ args, exitCode, reason }) => {
      const ended = await hueline(
        ["run", pipeline, "-o", "json", "--store", "calm", ...args],
        { folder },
      );
      expect(ended.code).toBe(1);
      const { status } = JSON.parse(ended.stdout);
      expect(status.counts).toMatchObject({ Succeeded: 2, Failed: 1 });
      expect(status.notes).toMatchObject([
        { task, phase: "Failed", reason: expect.stringMatching(reason) },
      ]);
      const left = await openRunFolder(calm.folder, runOf(ended));
      expect((await left.lastEnds()).get(task)?.exitCode).toBe(exitCode);
    },
    60_000,
  );
});
