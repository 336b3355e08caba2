/** One arm of bench/decode.ts in Node: `node bench/decode-arm.ts ours|sharp FOLDER`. One round per line on standard input. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import sharp from "sharp";
import { createSampleCropper } from "../src/data/crops/crop-sample.ts";
import type { DecodeCase } from "./decode.ts";

const [name = "", folder = ""] = process.argv.slice(2);
const { side, cases } = JSON.parse(
  readFileSync(join(folder, "cases.json"), "utf8"),
) as { side: number; cases: DecodeCase[] };
const files = cases.map(({ file }) => readFileSync(join(folder, file)));
const cropper = createSampleCropper();
sharp.cache(false);
sharp.concurrency(1);

async function byOurs(file: Buffer, made: DecodeCase): Promise<Uint8Array> {
  const { source, mirror } = made;
  const target = { left: 0, top: 0, width: side, height: side };
  const placement = { source, target, mirror };
  return await cropper.crop(file, made, { placement, side });
}

async function bySharp(file: Buffer, made: DecodeCase): Promise<Uint8Array> {
  const cropped = sharp(file)
    .extract(made.source)
    .resize(side, side, { fit: "fill", kernel: "linear" });
  return await (made.mirror ? cropped.flop() : cropped).raw().toBuffer();
}

const decode = name === "ours" ? byOurs : bySharp;
const firsts: Uint8Array[] = [];
for await (const _ of createInterface({ input: process.stdin })) {
  const start = performance.now();
  const cpu = process.cpuUsage();
  for (const [i, file] of files.entries()) {
    const square = await decode(file, cases[i] as DecodeCase);
    if (firsts.length < 20) firsts.push(Uint8Array.from(square));
  }
  const { user, system } = process.cpuUsage(cpu);
  const wallSeconds = (performance.now() - start) / 1000;
  const cpuSeconds = (user + system) / 1e6;
  writeFileSync(join(folder, `${name}.bin`), Buffer.concat(firsts));
  console.log(
    JSON.stringify({ images: files.length, wallSeconds, cpuSeconds }),
  );
}
