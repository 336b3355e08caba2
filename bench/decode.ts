/**
 * Decoding a photograph into 352 x 352 pixels on one thread, as a training does: the same rectangles of the same JPEG files
 * (PASCAL VOC, some 500 x 375, 94 kB), bilinear, half of them mirrored, into uint8 RGB. Ours against sharp, Pillow
 * (RandomResizedCrop's calls) and OpenCV.
 *
 *   node bench/decode.ts [--images 400] [--rounds 5] [--arms ours,sharp,pillow,opencv]
 *
 * Prints a JSON line for each arm and ratios of images per CPU-second; exits with 1 when ours is below 3 times sharp, 1.5
 * times Pillow or 0.8 times OpenCV, or when an arm's pixels are not the same photographs.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { placeCrop } from "../src/data/crops/place-crop.ts";
import { readImageHeader } from "../src/data/shards/image-header.ts";
import type { SampleClass } from "../src/data/shards/shard-index.ts";
import { readPack } from "../test/support/packed-photographs.ts";
import { photographPack } from "../test/support/photographs.ts";
import { startArm, takeTurns, type Arm } from "./support/arms.ts";
import { median } from "./support/measure.ts";
import { pythonWithImages } from "./support/python-images.ts";

export type DecodeCase = {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly sampleClass: SampleClass;
  readonly source: {
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly height: number;
  };
  readonly mirror: boolean;
};

const SIDE = 352;
const LIMITS: Readonly<Record<string, number>> = {
  sharp: 3,
  pillow: 1.5,
  opencv: 0.8,
};
/** Mean difference of two decoders' and filters' levels; another rectangle differs by 30 and more. */
const LARGEST_DIFFERENCE = 12;

/** Whole rectangles of the photographs, written with them for all arms. */
function writeCases(folder: string, count: number): void {
  const pack = photographPack("voc2012-seg.tar");
  if (pack === null) throw new Error("the pack voc2012-seg.tar is not there");
  const cases: DecodeCase[] = [];
  for (const [i, bytes] of Object.values(readPack(pack, count)).entries()) {
    const header = readImageHeader(bytes);
    if ("reason" in header) throw new Error(header.reason);
    const file = `${i}.jpg`;
    writeFileSync(join(folder, file), bytes);
    const { source, mirror } = placeCrop(
      {
        side: SIDE,
        scale: { kind: "area", min: 0.35, max: 1, ratio: 4 / 3 },
        place: "random",
        mirror: true,
      },
      header,
      { seed: 1, epoch: 0, sample: i },
    );
    cases.push({ file, ...header, source, mirror });
  }
  const plan = JSON.stringify({ side: SIDE, cases });
  writeFileSync(join(folder, "cases.json"), plan);
}

function start(name: string, folder: string): Arm {
  const here = (file: string): string =>
    fileURLToPath(new URL(file, import.meta.url));
  return name === "ours" || name === "sharp"
    ? startArm(name, [process.execPath, here("decode-arm.ts"), name, folder])
    : startArm(name, [pythonWithImages(), here("decode_arm.py"), name, folder]);
}

function meanDifference(folder: string, name: string): number {
  const a = readFileSync(join(folder, "ours.bin"));
  const b = readFileSync(join(folder, `${name}.bin`));
  if (a.length !== b.length) return Infinity;
  let sum = 0;
  for (const [i, level] of a.entries()) sum += Math.abs(level - (b[i] ?? 0));
  return sum / a.length;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      images: { type: "string", default: "400" },
      rounds: { type: "string", default: "5" },
      arms: { type: "string", default: "ours,sharp,pillow,opencv" },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), "hueline-decode-"));
  try {
    writeCases(folder, Number(values.images));
    const arms = values.arms.split(",").map((name) => start(name, folder));
    const results = await takeTurns(arms, Number(values.rounds));
    for (const arm of arms) await arm.close();
    const rates = new Map<string, number>();
    for (const [arm, rounds] of results) {
      const rate = median(rounds.map((r) => r.images / r.cpuSeconds));
      rates.set(arm, rate);
      const wall = median(rounds.map((r) => r.images / r.wallSeconds));
      report({ arm, imagesPerCpuSecond: rate, imagesPerSecond: wall });
    }
    for (const [name, limit] of Object.entries(LIMITS)) {
      const other = rates.get(name);
      if (other === undefined) continue;
      const ratio = (rates.get("ours") ?? NaN) / other;
      const difference = meanDifference(folder, name);
      const isKept = ratio >= limit && difference <= LARGEST_DIFFERENCE;
      report({ against: name, ratio, limit, difference, isKept });
      if (!isKept) process.exitCode = 1;
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function report(line: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify({ ...line, load: loadavg()[0] }));
}

if (import.meta.main) await main();
