/**
 * A training step of the paper's networks at their full width: the engine beside PyTorch eager in its two layouts, on the CPU, in one run.
 *
 *   node bench/networks.ts [alexnet] [vgg16] [resnet50] [--threads 1] [--rounds 5] [--steps 2]
 *
 * Arms are processes of their own that take turns; figures are medians. An arm's memory is the largest since its step was built, all of the
 * process. The limit: as many images a CPU-second as the faster layout of PyTorch, in no more memory than the smaller one. The
 * first losses must agree, or the arms would not do the same work.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isCaseName, type CaseName } from "./networks-cases.ts";
import { startCompiled, writeData, type Said } from "./networks-data.ts";
import { startArm, takeTurns, type Arm, type Round } from "./support/arms.ts";
import { median } from "./support/measure.ts";
import { pythonWithTorch } from "./torch.ts";

const COMPARED = ["alexnet", "vgg16", "resnet50"];
/** Relative, of the first loss: nothing has been trained yet that rounding could drive apart. */
const SAME_LOSS = 1e-4;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", default: "1" },
    rounds: { type: "string", default: "5" },
    steps: { type: "string", default: "2" },
  },
});
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

let isKept = true;
for (const name of positionals.length > 0 ? positionals : COMPARED) {
  if (!isCaseName(name)) throw new Error(`there is no network '${name}'`);
  isKept = (await compare(name)) && isKept;
}
process.exitCode = isKept ? 0 : 1;

async function compare(name: CaseName): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "hueline-networks-"));
  const arms: Arm[] = [];
  try {
    writeData(name, folder);
    const { threads, steps } = options;
    const torch = [pythonWithTorch(), here("networks.py"), folder];
    arms.push(
      startCompiled({ name, folder, threads, steps }),
      ...["default", "channels-last"].map((layout) =>
        startArm(`torch ${layout}`, [...torch, threads, steps, layout]),
      ),
    );
    return report(name, await takeTurns(arms, Number(options.rounds)));
  } finally {
    for (const arm of arms) await arm.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Figures = {
  readonly arm: string;
  readonly imagesPerCpuSecond: number;
  readonly imagesPerSecond: number;
  readonly peakMB: number;
  readonly startPeakMB: number;
  readonly firstLoss: number;
  readonly loss: number;
};

function figuresOf(arm: string, rounds: readonly Round[]): Figures {
  const rate = (seconds: (round: Round) => number) =>
    median(rounds.map((round) => round.images / seconds(round)));
  const last = rounds.at(-1);
  const said = last?.says as Said;
  return {
    arm,
    imagesPerCpuSecond: rate(({ cpuSeconds }) => cpuSeconds),
    imagesPerSecond: rate(({ wallSeconds }) => wallSeconds),
    peakMB: (last?.peakBytes ?? Number.NaN) / 1e6,
    startPeakMB: said.startPeakBytes / 1e6,
    firstLoss: said.firstLoss,
    loss: said.loss,
  };
}

function report(
  name: CaseName,
  turns: ReadonlyMap<string, readonly Round[]>,
): boolean {
  const figures = [...turns].map(([arm, rounds]) => figuresOf(arm, rounds));
  const [ours, ...others] = figures as [Figures, ...Figures[]];
  const fastest = Math.max(...others.map((f) => f.imagesPerCpuSecond));
  const smallest = Math.min(...others.map((f) => f.peakMB));
  const speed = ours.imagesPerCpuSecond / fastest;
  const memory = ours.peakMB / smallest;
  const first = figures.map(({ firstLoss }) => firstLoss);
  const apart = (Math.max(...first) - Math.min(...first)) / Math.max(...first);
  if (!(apart <= SAME_LOSS))
    throw new Error(
      `${name}: the arms do not compute the same: first losses ${first.join(", ")}`,
    );
  for (const f of figures)
    process.stdout.write(
      `${JSON.stringify({ network: name, threads: options.threads, ...f })}\n`,
    );
  process.stdout.write(
    `${JSON.stringify({ network: name, threads: options.threads, speed, memory, limit: 1 })}\n`,
  );
  return speed >= 1 && memory <= 1;
}
