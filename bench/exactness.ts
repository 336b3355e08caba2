/**
 * Exactness of the loader: interrupts the reading of real photographs at random steps, with the loader closed in the
 * middle of its work or its processes killed with SIGKILL, goes on from a saved step with every number of ranks and
 * workers, and compares each image (number, epoch, CRC-32 of the augmented pixels) with a run that nobody disturbed.
 *
 *   node bench/exactness.ts [--points 50] [--kills 10] [--images 512] [--seed 1]
 *
 * `--kills`: at how many of the points processes are killed. Every second point shares a disk cache with the others of
 * its kind, and what killed processes left in it. Prints a JSON line a point and a summary; exits with 1 unless nothing
 * is missing, repeated or different.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { below } from "../src/base/random.ts";
import {
  FULL_SHUFFLE_BYTES,
  type TrainingOrder,
} from "../src/data/order/training-order.ts";
import {
  compare,
  openReading,
  readHere,
  readInProcesses,
  type Dataset,
  type Part,
  type Reading,
  type World,
} from "../test/support/exactness.ts";
import { packFiles, readPack } from "../test/support/packed-photographs.ts";
import { photographPack } from "../test/support/photographs.ts";

const { values } = parseArgs({
  options: {
    points: { type: "string", default: "50" },
    kills: { type: "string", default: "10" },
    images: { type: "string", default: "512" },
    seed: { type: "string", default: "1" },
  },
});
const points = Number(values.points);
const kills = Number(values.kills);
const images = Number(values.images);
const seed = Number(values.seed);
const BATCH = 64;
const RANKS = [1, 2, 4, 8, 16];
const WORKERS = [1, 2, 3, 4];
/** Into the second epoch. */
const steps = Math.ceil(images / BATCH) + 2;

const folder = mkdtempSync(path.join(tmpdir(), "hueline-exactness-"));
process.on("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});

type Arm = {
  readonly kind: TrainingOrder["kind"];
  readonly dataset: Dataset;
  readonly reading: Reading;
  readonly wanted: readonly Part[];
};

async function openArm(
  base: Pick<Reading, "storeUrl" | "key">,
  fullShuffleBytes: number,
): Promise<Arm> {
  const reading: Reading = {
    ...base,
    seed,
    batch: BATCH,
    side: 96,
    fullShuffleBytes,
    blockBytes: 60_000,
    cacheDirectory: null,
  };
  const dataset = await openReading(reading);
  const world = { ranks: 1, workers: 2 };
  const wanted = await readHere(reading, dataset, {
    world,
    steps: { from: 0, to: steps },
  });
  checkEpoch(wanted.flat().slice(0, dataset.order.size));
  return { kind: dataset.order.kind, dataset, reading, wanted };
}

/** The undisturbed run itself has every sample once. */
function checkEpoch(epoch: Part): void {
  const samples = new Set(epoch.map((image) => image.split("/")[1]));
  if (samples.size !== images)
    throw new Error(`an epoch has ${samples.size} of ${images} samples`);
}

type PointResult = {
  readonly cases: number;
  readonly missing: number;
  readonly repeated: number;
  readonly different: number;
};

async function runPoint(arm: Arm, point: number): Promise<PointResult> {
  const draw = (n: number, k: number) => below(n, seed, point, k);
  const killed =
    Math.floor(((point + 1) * kills) / points) >
    Math.floor((point * kills) / points);
  const reading: Reading = {
    ...arm.reading,
    cacheDirectory: point % 2 === 0 ? null : path.join(folder, arm.kind),
  };
  const from = draw(steps - 2, 0);
  const saved = from + draw(Math.min(4, steps - 1 - from), 1);
  const end = saved + 1 + draw(Math.min(3, steps - 1 - saved), 2);
  const first: World = {
    ranks: RANKS[draw(RANKS.length, 3)] as number,
    workers: 1 + draw(WORKERS.length, 4),
  };
  const disturbed = { world: first, steps: { from, to: end } };
  const before = killed
    ? await readInProcesses(reading, disturbed)
    : await readHere(reading, arm.dataset, disturbed);
  const total = { cases: 0, missing: 0, repeated: 0, different: 0 };
  const add = (found: readonly Part[], wanted: readonly Part[]) => {
    const { missing, repeated, different } = compare(found, wanted);
    total.missing += missing;
    total.repeated += repeated;
    total.different += different;
  };
  add(before, arm.wanted.slice(from, end));
  for (const ranks of RANKS)
    for (const workers of WORKERS) {
      const rest = await readHere(reading, arm.dataset, {
        world: { ranks, workers },
        steps: { from: saved, to: steps },
      });
      add([...before.slice(0, saved - from), ...rest], arm.wanted.slice(from));
      total.cases++;
    }
  const { kind } = arm;
  const at = { from, saved, end, ...first, killed, cache: point % 2 === 1 };
  console.log(JSON.stringify({ point, kind, ...at, ...total }));
  return total;
}

const pack = photographPack("voc2012-cls.tar");
if (pack === null) throw new Error("the pack voc2012-cls.tar is not there");
const packed = await packFiles(folder, {
  files: readPack(pack, images),
  shards: 9,
});
const base = { storeUrl: packed.store.url, key: packed.catalog.key };
const arms = [
  await openArm(base, 0),
  await openArm(base, FULL_SHUFFLE_BYTES),
] as const;
const results: PointResult[] = [];
// Streams are what large datasets have: three points of four.
for (let point = 0; point < points; point++)
  results.push(await runPoint(point % 4 === 3 ? arms[1] : arms[0], point));
const sum = (key: keyof PointResult) =>
  results.reduce((total, result) => total + result[key], 0);
const summary = {
  points,
  cases: sum("cases"),
  missing: sum("missing"),
  repeated: sum("repeated"),
  different: sum("different"),
};
console.log(JSON.stringify({ ...summary, images, load: loadavg()[0] }));
process.exitCode =
  summary.missing + summary.repeated + summary.different === 0 ? 0 : 1;
