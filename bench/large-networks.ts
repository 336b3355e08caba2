/**
 * Whether the largest trainings fit into a machine: 20 steps of VGG-16 with hypercolumn at 352 pixels and of ResNet-152 at 224, both with
 * batches of 8 images and activations computed again.
 *
 *   node bench/large-networks.ts [vgg16-352] [resnet152-224] [--threads 2] [--steps 20]
 *
 * The limits: 20 GiB at the largest moment, from the process's start; and a loss that falls.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isCaseName, type CaseName } from "./networks-cases.ts";
import { startCompiled, writeData, type Said } from "./networks-data.ts";

const LARGE = ["vgg16-352", "resnet152-224"];
const LIMIT_BYTES = 20 * 2 ** 30;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", default: "2" },
    steps: { type: "string", default: "20" },
  },
});

let isKept = true;
for (const name of positionals.length > 0 ? positionals : LARGE) {
  if (!isCaseName(name)) throw new Error(`there is no network '${name}'`);
  isKept = (await fits(name)) && isKept;
}
process.exitCode = isKept ? 0 : 1;

async function fits(name: CaseName): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "hueline-networks-"));
  writeData(name, folder);
  const arm = startCompiled({ ...options, name, folder });
  try {
    const { peakBytes = Number.NaN, says, ...round } = await arm.round();
    const { firstLoss, loss, startPeakBytes } = says as Said;
    const largest = Math.max(peakBytes, startPeakBytes);
    process.stdout.write(
      `${JSON.stringify({ network: name, ...round, steps: Number(options.steps), peakGiB: peakBytes / 2 ** 30, startPeakGiB: startPeakBytes / 2 ** 30, limitGiB: LIMIT_BYTES / 2 ** 30, firstLoss, loss })}\n`,
    );
    return largest <= LIMIT_BYTES && loss < firstLoss;
  } finally {
    await arm.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
