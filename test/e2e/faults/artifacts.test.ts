/**
 * Artifacts that were damaged after their commit, as disks and people damage them: shards, indexes, catalogs, weights,
 * manifests. One run meets all of them at once. Each must end its reader with one error that names the file, lose nothing
 * of the rest, and be mended by doing what the error says, word by word.
 */
import { createHash } from "node:crypto";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { layout } from "../../../src/store/layout.ts";
import type { Manifest } from "../../../src/store/artifacts/manifest.ts";
import {
  hueline,
  openRunFolder,
  runOf,
  type Ended,
  type RunFolder,
} from "../../support/hueline.ts";
import { openTemporaryFolder } from "../../support/temporary-folder.ts";

const pipeline = path.join(import.meta.dirname, "damaged.yaml");

let folder = "";
let remove: () => Promise<void> = async () => undefined;
let sound: RunFolder;

beforeAll(async () => {
  ({ folder, remove } = await openTemporaryFolder());
  sound = (await run("sound")).left;
}, 180_000);

afterAll(async () => {
  await remove();
});

/** Runs the pipeline on a store of the folder. */
async function run(
  store: string,
  ...args: readonly string[]
): Promise<{ readonly ended: Ended; readonly left: RunFolder }> {
  const ended = await hueline(
    ["run", pipeline, "-o", "json", "--store", store, ...args],
    { folder },
  );
  const left = await openRunFolder(path.join(folder, store), runOf(ended));
  return { ended, left };
}

/** The keys of what a cell has made. */
function keysOf({ task }: RunFolder, limit: number) {
  const of = (stage: string, kind: string) =>
    task(
      `${kind} of ${limit}`,
      (one) =>
        one.stage === stage && one.kind === kind && one.cell["limit"] === limit,
    ).key;
  return {
    part: of("photos", "shard"),
    catalog: of("photos", "catalog"),
    weights: of("scratch", "initialize"),
  };
}

/** Everything but when and by whom. */
function contentOf({ key, files, metrics, params }: Manifest) {
  return { key, files, metrics, params };
}

// ---------------------------------------------------------------- ways of damaging a file

type Damage = (file: string) => void;

const flip: Damage = (file) => {
  const bytes = readFileSync(file);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(file, bytes);
};
const cutOff: Damage = (file) => {
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.subarray(0, Math.floor(bytes.length / 2)));
};
const empty: Damage = (file) => {
  writeFileSync(file, "");
};
const lose: Damage = (file) => {
  rmSync(file);
};
const fill =
  (content: string | Uint8Array): Damage =>
  (file) => {
    writeFileSync(file, content);
  };

/** Other content under sums that fit: what a hostile or foreign writer leaves, which no checksum finds. */
function forge(store: string, key: string, name: string, bytes: Uint8Array) {
  const place = path.join(store, layout.manifest(key));
  const manifest = JSON.parse(readFileSync(place, "utf8")) as Manifest;
  const sums = {
    sizeBytes: bytes.byteLength,
    crc32: crc32(bytes).toString(16).padStart(8, "0"),
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
  const files = manifest.files.map((file) =>
    file.path === name ? { ...file, ...sums } : file,
  );
  writeFileSync(place, JSON.stringify({ ...manifest, files }));
  writeFileSync(path.join(store, layout.attempt(key, 1), name), bytes);
}

/** A header whose one tensor claims more bytes than there are. */
function hostileWeights(): Uint8Array {
  const header = JSON.stringify({
    "conv1/weight": { dtype: "F32", shape: [2 ** 40], data_offsets: [0, 8] },
  });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, Buffer.from(header), Buffer.alloc(8)]);
}

// ---------------------------------------------------------------- what one run meets

type Keys = ReturnType<typeof keysOf>;
type Fault = {
  readonly what: string;
  /** Damages it; returns what the error has to name. */
  readonly damage: (store: string, keys: Keys) => string;
};

const tar = "shard-00000-of-00001.tar";
const index = "shard-00000-of-00001.idx";
const catalog = "dataset.json";

function onFile(what: string, of: keyof Keys, name: string, damage: Damage) {
  return {
    what,
    damage: (store: string, keys: Keys) => {
      const object = `${layout.attempt(keys[of], 1)}${name}`;
      damage(path.join(store, object));
      return object;
    },
  };
}

function onManifest(what: string, of: keyof Keys, damage: Damage) {
  return {
    what,
    damage: (store: string, keys: Keys) => {
      const object = layout.manifest(keys[of]);
      damage(path.join(store, object));
      return object;
    },
  };
}

const datasetFaults: readonly Fault[] = [
  onFile("a shard with one bit changed", "part", tar, flip),
  onFile("a shard that was cut off", "part", tar, cutOff),
  onFile("a shard that is gone", "part", tar, lose),
  onFile("an index with one bit changed", "part", index, flip),
  onFile("an index that was cut off", "part", index, cutOff),
  onFile("a catalog with one bit changed", "catalog", catalog, flip),
  onManifest("a catalog's manifest that was cut off", "catalog", cutOff),
  onManifest("a shard's manifest that is empty", "part", empty),
  {
    what: "a manifest of another key",
    damage: (store, { part, catalog: other }) => {
      const object = layout.manifest(part);
      cpSync(
        path.join(store, layout.manifest(other)),
        path.join(store, object),
      );
      return object;
    },
  },
  {
    what: "an index of something else, with the right sums",
    damage: (store, { part }) => {
      forge(store, part, index, Buffer.from("not an index".repeat(10)));
      return index;
    },
  },
  {
    what: "a catalog of something else, with the right sums",
    damage: (store, keys) => {
      forge(store, keys.catalog, catalog, Buffer.from('{"version": 7}'));
      return catalog;
    },
  },
];

const weightFaults: readonly Fault[] = [
  onFile(
    "weights with one bit changed",
    "weights",
    "weights.safetensors",
    flip,
  ),
  onFile("weights that were cut off", "weights", "weights.safetensors", cutOff),
  onFile(
    "a model description with one bit changed",
    "weights",
    "model.json",
    flip,
  ),
  {
    what: "weights with a hostile header, with the right sums",
    damage: (store, { weights }) => {
      forge(store, weights, "weights.safetensors", hostileWeights());
      return "weights.safetensors";
    },
  },
  onManifest("a manifest that is not JSON", "weights", fill("<html></html>")),
];

const firstLimit = 100;

test.each([
  {
    name: "datasets",
    faults: datasetFaults,
    reader: "scratch",
    again: ["-p", "images=21"],
  },
  {
    name: "weights",
    faults: weightFaults,
    reader: "classify",
    again: ["-p", "steps=2"],
  },
])(
  "damaged $name end their readers with the file and a remedy that mends",
  async ({ name, faults, reader, again }) => {
    const store = path.join(folder, name);
    cpSync(sound.folder, store, { recursive: true });
    const named = faults.map(({ damage }, i) =>
      damage(store, keysOf(sound, firstLimit + i)),
    );

    const { ended, left } = await run(name, ...again);
    expect(ended.code).toBe(1);
    const readers = left.plan.tasks.filter(({ stage }) => stage === reader);
    const ends = await left.lastEnds();
    const found = faults.map(({ what }, i) => {
      const task = readers.find(({ cell }) => cell["limit"] === firstLimit + i);
      const end = ends.get(task?.name ?? "");
      return { what, exitCode: end?.exitCode, reason: end?.reason ?? "" };
    });
    expect(found).toEqual(
      faults.map(({ what }, i) => ({
        what,
        exitCode: 65,
        reason: expect.stringContaining(named[i] ?? ""),
      })),
    );
    // What nobody damaged has worked meanwhile.
    const { counts } = JSON.parse(ended.stdout).status as {
      counts: { Failed: number; Succeeded: number };
    };
    expect(counts.Failed).toBe(faults.length);

    for (const { reason } of found) doAsTold(store, reason);
    const mended = await run(name, ...again);
    expect(mended.ended.stderr).not.toContain("error");
    expect(mended.ended.code).toBe(0);
    for (const { key, stage } of left.plan.tasks)
      if (stage === "photos" || (stage === "scratch" && reader === "classify"))
        expect(contentOf(await mended.left.manifest(key))).toEqual(
          contentOf(await sound.manifest(key)),
        );
  },
  180_000,
);

/** Removes the object that an error tells to remove. */
function doAsTold(store: string, reason: string): void {
  const told =
    /remove (?:the artifact's manifest \()?(cas\/[0-9a-f]{64}\/manifest\.json)/.exec(
      reason,
    ) ??
    /'(cas\/[0-9a-f]{64}\/manifest\.json)'.*remove that object/s.exec(reason);
  if (told?.[1] === undefined) throw new Error(`nothing to do in: ${reason}`);
  rmSync(path.join(store, told[1]), { force: true });
}
