import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { createFileStore } from "../../src/store/fs.ts";
import { verifyArtifact } from "../../src/store/artifacts/artifact.ts";
import { readManifest } from "../../src/store/artifacts/manifest.ts";
import { layout } from "../../src/store/layout.ts";
import { runCli } from "../support/cli.ts";
import { commitArtifact } from "../support/manifests.ts";
import { keyOf } from "../support/plans.ts";
import { pathsUnder } from "../support/sweep-world.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

/** Photographs of two classes, with what does not belong to them, and a place to push them to. */
async function createPhotos() {
  const folder = await createTemporaryFolder();
  for (const name of ["cat", "dog"]) {
    await mkdir(path.join(folder, "photos", name), { recursive: true });
    for (const file of ["0.jpg", "1.jpg"])
      await writeFile(
        path.join(folder, "photos", name, file),
        `${name} ${file}`,
      );
  }
  await writeFile(path.join(folder, "photos", ".DS_Store"), "");
  await symlink("cat", path.join(folder, "photos", "kitten"));
  const target = pathToFileURL(path.join(folder, "bucket")).href;
  const store = createFileStore({ directory: path.join(folder, "bucket") });
  return {
    folder,
    target,
    store,
    push: (...args: readonly string[]) =>
      runCli(["data", "push", ...args], { currentDirectory: folder }),
  };
}

test("push takes a folder's files, counts what it leaves out, and prints the source of a shard stage", async () => {
  const { push, store, target } = await createPhotos();
  const { exitCode, stdout } = await push("photos", target);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("4 files (36 B) sent\n");
  expect(stdout).toContain("1 left out: symbolic link");
  expect(stdout).toContain("1 left out: a name that starts with a dot");
  expect(stdout).toContain(`\nsource: ${target}/\n`);
  expect(await pathsUnder(store, "")).toEqual([
    "cat/0.jpg",
    "cat/1.jpg",
    "dog/0.jpg",
    "dog/1.jpg",
  ]);
});

test("a second push sends only what is absent or differs, also where the size is the same", async () => {
  const { folder, push, store, target } = await createPhotos();
  await push("photos", target);
  await store.put("dog/1.jpg", new TextEncoder().encode("DOG 1.jpg"));
  await store.remove("cat/0.jpg");
  await store.put("cat/9.jpg", new Uint8Array(1));
  const dry = await push("photos", target, "--dry-run", "-o", "json");
  const want = {
    dryRun: true,
    new: { files: 1 },
    replaced: { files: 1 },
    there: { files: 2 },
    notLocal: 1,
  };
  expect(JSON.parse(dry.stdout)).toMatchObject(want);
  expect(await store.stat("cat/0.jpg")).toBeNull();
  const real = await push("photos", target, "-o", "json");
  expect(JSON.parse(real.stdout)).toMatchObject({ ...want, dryRun: false });
  const bytes = await store.read("dog/1.jpg");
  expect(new TextDecoder().decode(bytes ?? undefined)).toBe("dog 1.jpg");
  expect(await readdir(folder)).toContain("photos");
});

test("several sources keep their names, and names that would meet are refused before anything is sent", async () => {
  const { folder, push, store, target } = await createPhotos();
  await writeFile(path.join(folder, "a.tar"), "tar");
  await push("photos/cat", "photos/dog", "a.tar", target);
  expect(await pathsUnder(store, "")).toEqual([
    "a.tar",
    "cat/0.jpg",
    "cat/1.jpg",
    "dog/0.jpg",
    "dog/1.jpg",
  ]);
  await mkdir(path.join(folder, "other"));
  await writeFile(path.join(folder, "other", "a.tar"), "another");
  const { exitCode, stderr } = await push("a.tar", "other/a.tar", target);
  expect([exitCode, stderr]).toEqual([
    65,
    expect.stringContaining("would both become 'a.tar'"),
  ]);
});

test.each([
  { args: ["photos"], want: "then s3://bucket/prefix" },
  { args: ["photos", "elsewhere"], want: "then s3://bucket/prefix" },
  { args: ["a", "b", "--to", "file:///x"], want: "one dataset before --to" },
])("push $args is a usage error", async ({ args, want }) => {
  const { push } = await createPhotos();
  const { exitCode, stderr } = await push(...args);
  expect([exitCode, stderr]).toEqual([64, expect.stringContaining(want)]);
});

async function createDataset() {
  const world = await createPhotos();
  const from = createFileStore({
    directory: path.join(world.folder, ".hueline"),
  });
  const part = { key: keyOf("part"), kind: "shard", epoch: 3 };
  await commitArtifact(from, part, { "shard-0.tar": new Uint8Array(3000) });
  const manifest = await commitArtifact(
    from,
    {
      key: keyOf("set"),
      kind: "catalog",
      inputs: { parts: [keyOf("part")] },
    },
    { "dataset.json": new TextEncoder().encode("{}") },
  );
  return { ...world, from, manifest };
}

test("push --to copies a packed dataset with its parts into another store, once, and verified", async () => {
  const { push, target, store } = await createDataset();
  const first = await push(keyOf("set"), "--to", target, "-o", "json");
  expect(JSON.parse(first.stdout)).toMatchObject({ artifacts: 2, copied: 2 });
  for (const name of ["set", "part"]) {
    const copy = await readManifest(store, keyOf(name));
    expect(copy && (await verifyArtifact(store, copy))).toEqual([]);
  }
  const again = await push(keyOf("set"), "--to", target, "-o", "json");
  expect(JSON.parse(again.stdout)).toMatchObject({ artifacts: 2, copied: 0 });
});

test("push --to of datasets that were put together copies them and their parts before it", async () => {
  const { push, target, store, from } = await createDataset();
  await commitArtifact(
    from,
    { key: keyOf("both"), kind: "concat", inputs: { data: [keyOf("set")] } },
    { "dataset.json": new TextEncoder().encode("{}") },
  );
  const { stdout } = await push(keyOf("both"), "--to", target, "-o", "json");
  expect(JSON.parse(stdout)).toMatchObject({ artifacts: 3, copied: 3 });
  for (const name of ["both", "set", "part"])
    expect(await readManifest(store, keyOf(name))).not.toBeNull();
});

test("a damaged part is named, and nothing is committed in the other store", async () => {
  const { push, target, store, from } = await createDataset();
  const object = `${layout.attempt(keyOf("part"), 3)}shard-0.tar`;
  await from.put(object, new Uint8Array(3000).fill(1));
  const { exitCode, stderr } = await push(keyOf("set"), "--to", target);
  expect([exitCode, stderr]).toEqual([
    65,
    expect.stringContaining("shard-0.tar' is damaged"),
  ]);
  expect(await readManifest(store, keyOf("part"))).toBeNull();
  expect(await readManifest(store, keyOf("set"))).toBeNull();
});
