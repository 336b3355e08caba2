/**
 * Batches of 64 photographs, cropped at random to 352 x 352 and mirrored, by two workers: our loader from a real S3 server on
 * this machine, the same from a folder, and WebDataset with PyTorch's DataLoader (Pillow, OpenCV) from the same tars on
 * the local disk. All files are in the page cache or on a RAM disk.
 *
 *   node bench/loader.ts [--copies 12] [--rounds 5] [--workers 2] [--arms s3,file,pillow,opencv]
 *
 * A training reads epoch after epoch through one loader, so each arm reads `copies` times 737 photographs (VOC, 68 MB) over and
 * over, and is timed from one batch to a later one: a round is 69 batches, after 8 that use up what was made ahead between
 * the rounds. No arm works in another's turn. With 12 copies little of an epoch is still held when the next one begins.
 *
 * Prints a JSON line for each arm and the ratios; exits with 1 when ours from S3 is below 2.5 times WebDataset with Pillow,
 * 1.4 times with OpenCV or 0.85 times itself from the folder, or takes more than 1.3 times the memory that it was allowed.
 */
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, loadavg, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  installVersitygw,
  startVersitygw,
} from "../scripts/s3-server/versitygw.ts";
import {
  openSampleTable,
  type TableShard,
} from "../src/data/shards/sample-table.ts";
import { cacheRootOf } from "../src/engine/location.ts";
import { createFileStore } from "../src/store/fs.ts";
import { openStore } from "../src/store/open-store.ts";
import { packFiles, readPack } from "../test/support/packed-photographs.ts";
import { photographPack } from "../test/support/photographs.ts";
import { startArm, takeTurns, type Arm, type Round } from "./support/arms.ts";
import { median } from "./support/measure.ts";
import { pythonWithImages } from "./support/python-images.ts";

/** What an arm of ours is told: a table of all samples as plain values. */
export type LoaderCase = {
  readonly storeUrl: string;
  readonly shards: readonly TableShard[];
  readonly recordsBase64: string;
  readonly shardPaths: readonly string[];
  readonly batch: number;
  readonly side: number;
  readonly workers: number;
  readonly maxBytes: number;
} & Turn;

/** Of all arms: the batches of a round, and those before them that are not timed. */
type Turn = { readonly batches: number; readonly leadIn: number };

const { values } = parseArgs({
  options: {
    copies: { type: "string", default: "12" },
    rounds: { type: "string", default: "5" },
    workers: { type: "string", default: "2" },
    arms: { type: "string", default: "s3,file,pillow,opencv" },
  },
});
const [copies, rounds, workers] = [
  values.copies,
  values.rounds,
  values.workers,
].map(Number) as [number, number, number];
const [BATCH, SIDE, SHARDS, BUCKET] = [64, 352, 6, "bench"] as const;
const TURN: Turn = { batches: 69, leadIn: 8 };
const MAX_BYTES = 384 * 2 ** 20;
const LIMITS = { file: 0.85, pillow: 2.5, opencv: 1.4 } as const;
const MEMORY_LIMIT = 1.3;

/** The photographs in shards, and every shard `copies` times under names of its own. */
async function prepare() {
  const bucket = openStore(`s3://${BUCKET}`, { currentFolder: "/" });
  const pack = photographPack("voc2012-seg.tar");
  if (pack === null) throw new Error("the pack voc2012-seg.tar is not there");
  const folder = mkdtempSync(path.join(tmpdir(), "hueline-loader-"));
  try {
    const files = readPack(pack, Infinity);
    const packed = await packFiles(folder, { files, shards: SHARDS });
    const one = await openSampleTable(packed.store, packed.catalog);
    const shardPaths: string[] = [];
    for (let copy = 0; copy < copies; copy++)
      for (const [i, shard] of one.shardPaths.entries()) {
        const name = `${copy}-${i}.tar`;
        await bucket.put(name, readFileSync(path.join(folder, "store", shard)));
        shardPaths.push(name);
      }
    return { shardPaths, ...repeat(one) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function repeat({
  table,
  memory,
}: Pick<Awaited<ReturnType<typeof openSampleTable>>, "table" | "memory">) {
  const shards = Array.from({ length: copies }, (_, copy) =>
    table.shards.map((shard) => ({
      ...shard,
      first: shard.first + copy * table.size,
    })),
  ).flat();
  const records = Buffer.from(memory.records);
  const all = Array.from({ length: copies }, () => records);
  return { shards, recordsBase64: Buffer.concat(all).toString("base64") };
}

function toLine(arm: string, results: readonly Round[]) {
  return {
    arm,
    imagesPerSecond: median(results.map((r) => r.images / r.wallSeconds)),
    imagesPerCpuSecond: median(results.map((r) => r.images / r.cpuSeconds)),
    rounds: results.length,
    peakMiB: (results.at(-1)?.peakBytes ?? NaN) / 2 ** 20,
    says: results.at(-1)?.says,
    load: loadavg()[0],
  };
}

function judge(what: string, value: number, isKept: boolean): void {
  console.log(JSON.stringify({ what, value, isKept }));
  if (!isKept) process.exitCode = 1;
}

const root = mkdtempSync(path.join("/dev/shm", "hueline-loader-"));
const bucket = path.join(root, BUCKET);
mkdirSync(bucket);
const cacheRoot = cacheRootOf(process.env["XDG_CACHE_HOME"], homedir());
const program = await installVersitygw({ cacheRoot });
const server = await startVersitygw({ program, directory: root });
const arms: Arm[] = [];
try {
  process.env["AWS_ENDPOINT_URL_S3"] = server.endpoint;
  process.env["AWS_ACCESS_KEY_ID"] = server.accessKeyId;
  process.env["AWS_SECRET_ACCESS_KEY"] = server.secretAccessKey;
  process.env["AWS_REGION"] = "us-east-1";
  const data = await prepare();
  const here = import.meta.dirname;
  const common = { batch: BATCH, side: SIDE, workers, ...TURN };
  for (const name of values.arms.split(",")) {
    if (name === "s3" || name === "file") {
      const { url } = createFileStore({ directory: bucket });
      const storeUrl = name === "s3" ? `s3://${BUCKET}` : url;
      const given = { ...data, ...common, storeUrl, maxBytes: MAX_BYTES };
      const script = path.join(here, "loader-arm.ts");
      const file = path.join(root, `${name}.json`);
      writeFileSync(file, JSON.stringify(given satisfies LoaderCase));
      arms.push(startArm(name, [process.execPath, script, file]));
    } else {
      const tars = data.shardPaths.map((name) => path.join(bucket, name));
      const script = path.join(here, "loader_arm.py");
      const given = JSON.stringify({ ...common, tars });
      arms.push(startArm(name, [pythonWithImages(), script, name, given]));
    }
  }
  const results = await takeTurns(arms, rounds);
  const lines = [...results].map(([arm, found]) => toLine(arm, found));
  for (const line of lines) console.log(JSON.stringify(line));
  const ours = lines.find(({ arm }) => arm === "s3");
  for (const [arm, limit] of Object.entries(LIMITS)) {
    const other = lines.find((line) => line.arm === arm);
    if (!ours || !other) continue;
    const ratio = ours.imagesPerSecond / other.imagesPerSecond;
    judge(`images/s, ours from S3 / ${arm}`, ratio, ratio >= limit);
  }
  const share = ((ours?.peakMiB ?? NaN) * 2 ** 20) / MAX_BYTES;
  if (ours) judge("memory / allowed", share, share <= MEMORY_LIMIT);
} finally {
  for (const arm of arms) await arm.close();
  await server.stop();
  rmSync(root, { recursive: true });
}
