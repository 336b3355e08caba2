import { readdir, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { createFileStore } from "../../src/store/fs.ts";
import { createRun } from "../../src/store/runs/run-records.ts";
import { isCommitted } from "../../src/store/artifacts/manifest.ts";
import { commitArtifact } from "../support/manifests.ts";
import { buildPlan, keyOf } from "../support/plans.ts";
import { runCli } from "../support/cli.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

/** A store with a run of `kept` and an artifact `gone` that no run names, all two days old. */
async function createOldStore() {
  const folder = await createTemporaryFolder();
  const directory = path.join(folder, ".hueline");
  const store = createFileStore({ directory });
  for (const name of ["kept", "gone"])
    await commitArtifact(
      store,
      { key: keyOf(name) },
      { "w.bin": new Uint8Array(2048) },
    );
  const plan = buildPlan({ kept: {} }, "study");
  await createRun(store, { run: "study-12345678", pipelineText: "", plan });
  const age = async (): Promise<void> => {
    const past = new Date(Date.now() - 2 * 86_400_000);
    for (const entry of await readdir(directory, { recursive: true }))
      await utimes(path.join(directory, entry), past, past);
  };
  await age();
  const gc = (...args: readonly string[]) =>
    runCli(["gc", ...args], { currentDirectory: folder });
  /** On a machine whose clock is so far ahead. */
  const gcAhead = (byMs: number, ...args: readonly string[]) =>
    runCli(["gc", ...args], {
      currentDirectory: folder,
      clock: { ...systemClock, now: () => Date.now() + byMs },
    });
  const has = (name: string) => isCommitted(store, keyOf(name));
  return { folder, directory, store, age, gc, gcAhead, has };
}

test("gc shows what it would remove and removes nothing, until --yes", async () => {
  const { store, gc, has } = await createOldStore();
  const dry = await gc();
  expect(dry).toMatchObject({ exitCode: 0, stderr: "" });
  expect(dry.stdout).toMatch(/artifact +1 +2\.0 KiB/);
  expect(dry.stdout).toContain("--yes removes it");
  expect(await has("gone")).toBe(true);
  expect(await store.listFolders("gc/")).toEqual([]);
  expect(await store.readRecord("gc/sweep.json")).toBeNull();

  const real = await gc("--yes");
  expect(real.stdout).toContain("removed");
  expect([await has("gone"), await has("kept")]).toEqual([false, true]);
  expect((await gc("--yes")).stdout).toBe("nothing was removed\n");
});

test("what is young is so by the store's clock, however wrong this machine's is", async () => {
  const { store, gcAhead, has } = await createOldStore();
  const fortnight = 14 * 86_400_000;
  await commitArtifact(
    store,
    { key: keyOf("fresh") },
    { "w.bin": new Uint8Array(2048) },
  );
  const behind = await gcAhead(-fortnight, "--older-than", "1d");
  expect(behind.stdout).toContain("study-12345678, last used 48 h");
  await gcAhead(fortnight, "--yes", "--older-than", "3d");
  expect(await Promise.all(["fresh", "kept", "gone"].map(has))).toEqual([
    true,
    true,
    false,
  ]);
  expect(await store.stat("gc/clock.json")).toBeNull();
});

test("gc of a store that can only be read says whose clock it goes by, and removes nothing", async () => {
  const { directory, gc, has } = await createOldStore();
  // Where a file stands nobody can make a folder, not even root.
  await writeFile(path.join(directory, "gc"), "");
  const dry = await gc();
  expect(dry.exitCode).toBe(0);
  expect(dry.stderr).toContain("ages are by this machine's clock");
  expect(dry.stdout).toMatch(/artifact +1 +2\.0 KiB/);
  expect((await gc("--yes")).exitCode).toBe(65);
  expect(await has("gone")).toBe(true);
});

test("gc of an empty store leaves it empty", async () => {
  const folder = await createTemporaryFolder();
  const { stdout } = await runCli(["gc", "--store", "nothing"], {
    currentDirectory: folder,
  });
  expect(stdout).toBe("nothing to remove\n");
  expect(await readdir(folder)).toEqual([]);
});

test("gc -o json has sizes by category, runs given up and artifacts, dry or not", async () => {
  const { gc } = await createOldStore();
  const { stdout } = await gc("-o", "json", "--older-than", "1d");
  expect(JSON.parse(stdout)).toMatchObject({
    dryRun: true,
    wouldRemove: [
      { category: "artifact", objects: 2, sizeBytes: 4096 },
      { category: "run" },
    ],
    runs: [{ run: "study-12345678", because: "not used for too long" }],
    artifacts: [{ key: keyOf("kept") }, { key: keyOf("gone") }].sort((a, b) =>
      a.key < b.key ? -1 : 1,
    ),
    skipped: [],
    complete: true,
  });
});

test("gc tells when what was asked for cannot be: runs are in use, pinned or too young", async () => {
  const { gc } = await createOldStore();
  const young = await gc("--older-than", "1d", "--grace", "3d");
  expect(young.stdout).toContain("1 run stays: in use, pinned, or younger");
  const json = await gc("-o", "json", "--keep-runs", "0", "--grace", "3d");
  expect(JSON.parse(json.stdout)).toMatchObject({
    sparedRuns: ["study-12345678"],
  });
  const large = await gc("--max-size", "1KiB", "--grace", "3d");
  expect(large.stdout).toMatch(/ stay, more than 1\.0 KiB: /);
  const enough = await gc("--older-than", "1d", "--max-size", "3KiB");
  expect(enough.stdout).not.toContain(" stay");
});

test("a pinned run stays whatever its age, until it is unpinned", async () => {
  const { folder, age, gc, has } = await createOldStore();
  const cli = (...args: readonly string[]) =>
    runCli(args, { currentDirectory: folder });
  const pinned = await cli("pin", "study", "--reason", "figure 3");
  expect(pinned.stdout).toContain("run study-12345678 is pinned");
  await age();
  expect((await gc("--pins")).stdout).toMatch(/study-12345678 +run .*figure 3/);
  await gc("--yes", "--older-than", "1d", "--keep-runs", "0");
  expect([await has("kept"), await has("gone")]).toEqual([true, false]);

  expect((await cli("unpin", "study")).exitCode).toBe(0);
  expect((await cli("unpin", "study")).stderr).toContain("pin.unknown");
  await gc("--yes", "--older-than", "1d");
  expect(await has("kept")).toBe(false);
});

test("an artifact is pinned by the first digits of its key", async () => {
  const { folder, age, gc, has } = await createOldStore();
  const prefix = keyOf("gone").slice(0, 12);
  const pinned = await runCli(["pin", prefix, "-o", "json"], {
    currentDirectory: folder,
  });
  expect(JSON.parse(pinned.stdout)).toMatchObject({
    kind: "artifact",
    name: keyOf("gone"),
  });
  await age();
  await gc("--yes");
  expect(await has("gone")).toBe(true);
});

test("a pin that cannot be read ends gc before it removes anything", async () => {
  const { store, age, gc, has } = await createOldStore();
  await store.put("pins/broken.json", new TextEncoder().encode("{"));
  await age();
  const { exitCode, stderr } = await gc("--yes");
  expect(exitCode).toBe(65);
  expect(stderr).toContain("gc.pin-corrupt");
  expect(await has("gone")).toBe(true);
});

test("--max-size gives up runs, and --grace keeps what is young", async () => {
  const { gc, has } = await createOldStore();
  const young = await gc("--yes", "--max-size", "1KiB", "--grace", "3d");
  expect(young.stdout).toContain("within the last 3d");
  expect(await has("kept")).toBe(true);
  const { stdout } = await gc("--yes", "--max-size", "1KiB");
  expect(stdout).toContain("least recently used, and the store is too large");
  expect(await has("kept")).toBe(false);
});
