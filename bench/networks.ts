/**
 * A training step of the paper's networks at their full width: the engine beside PyTorch eager in its two layouts, on the CPU, in one run.
 *
 *   node bench/networks.ts [alexnet] [vgg16] [resnet50] [--threads 1] [--rounds 5] [--steps 2]
 *
 * Arms are processes of their own that take turns; figures are medians. An arm's memory is the largest since its step was built, all of the
 * process. The limit: as many images a CPU-second as the faster layout of PyTorch, in no more memory than the smaller one. The
 * first losses must agree, or the arms would not do the same work.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  cacheRootOf,
  findEngine,
  toEnginePlatform,
} from "../src/engine/location.ts";
import { geometryOf } from "../src/model/network.ts";
import { isCaseName, openCase, type CaseName } from "./networks-cases.ts";
import { startArm, takeTurns, type Arm, type Round } from "./support/arms.ts";
import { median } from "./support/measure.ts";
import { pythonWithTorch } from "./torch.ts";

const COMPARED = ["alexnet", "vgg16", "resnet50"];
const BATCHES = 2;
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
      startArm("compiled", [
        process.execPath,
        here("networks-arm.ts"),
        engineFolder(),
        name,
        folder,
        threads,
        steps,
      ]),
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

/** Declarations, weights and batches as PyTorch's arm reads them. */
function writeData(name: CaseName, folder: string): void {
  const { network, settings, batch, inputs, batchOf, ...made } = openCase(name);
  let files = 0;
  const write = (
    entry: string,
    shape: readonly number[],
    data: Float32Array | Int32Array | Uint8Array,
  ) => {
    const file = `${files++}.bin`;
    writeFileSync(join(folder, file), data);
    return { name: entry, shape, file, type: data.constructor.name };
  };
  const weights = [...made.createWeights()].map(([weight, { shape, values }]) =>
    write(weight, shape, values),
  );
  const batches = Array.from({ length: BATCHES }, (_, k) =>
    Object.entries(batchOf(k)).map(([input, data]) =>
      write(input, inputs[input]?.shape ?? [], data),
    ),
  );
  const places = geometryOf(network);
  writeFileSync(
    join(folder, "meta.json"),
    JSON.stringify({ network, places, settings, batch, weights, batches }),
  );
}

function engineFolder(): string {
  const platform = toEnginePlatform(process.platform, process.arch);
  if (platform === null)
    throw new Error("there is no engine for this platform");
  const cacheRoot = cacheRootOf(process.env["XDG_CACHE_HOME"], homedir());
  const override = process.env["HUELINE_ENGINE"];
  return findEngine({ cacheRoot, platform, override }).directory;
}

type Said = {
  readonly firstLoss: number;
  readonly loss: number;
  readonly startPeakBytes: number;
};
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
