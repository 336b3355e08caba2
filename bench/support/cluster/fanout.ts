/**
 * So many tasks of no work, from submitting them to the end of all: a Run, beside the pods of a bare Indexed Job (the floor:
 * nobody can be faster than the Job controller) and Argo Workflows. Arms take turns; each has a controller, a namespace and
 * workers of its own, and while one goes on nothing of the others runs. Each has brought a tenth as many tasks to their end
 * before: neither a controller nor the control plane in a new namespace is measured at its first work. Who comes first
 * changes from round to round.
 */
import { setTimeout as delay } from "node:timers/promises";
import { resources, type KubeResource } from "../../../src/kube/kube.ts";
import type { Run } from "../../../src/resources/run-resource.ts";
import { median } from "../measure.ts";
import {
  fanWorkflow,
  installArgo,
  startArgo,
  submitWorkflow,
  workflows,
  type ArgoArm,
  type Workflow,
} from "./argo.ts";
import { markAudit, readAudit, type Requests } from "./audit.ts";
import { plainJob, sameJob } from "./jobs.ts";
import { commitDataset, fanPipeline } from "./pipelines.ts";
import { until, type Program, type Usage } from "./processes.ts";
import { isSucceeded, submitRun, watchFor } from "./runs.ts";
import { openPlace, startController, type Place, type World } from "./world.ts";

export const fanArms = [
  "hueline",
  "job",
  "plain-job",
  "argo-default",
  "argo-raised",
] as const;
export type FanArm = (typeof fanArms)[number];

/** It is far from its limits, and its rounds are the longest. */
const ROUNDS_OF_ARGO = 3;
/** The control plane still tidies up after what was removed. */
const SETTLE_MS = 2000;

type Round = {
  readonly wallS: number;
  /** Until the Job was asked for: planning, and whether anything is there already; null: somebody else makes pods. */
  readonly jobS: number | null;
  /** Until the last pod ended: what comes after is the controller's. */
  readonly podsS: number;
  /** CPU seconds since submitting; the peak since its start. */
  readonly controller: Usage | null;
  readonly requests: Requests;
  /** Of the control plane, by program. */
  readonly planeCpuS: Readonly<Record<string, number>>;
};

const agents = {
  hueline: "hueline-controller/",
  job: "bench/",
  "plain-job": "bench/",
  "argo-default": "argo",
  "argo-raised": "argo",
} as const satisfies Record<FanArm, string>;

export async function fanout(
  world: World,
  options: {
    readonly tasks: number;
    readonly rounds: number;
    readonly arms: readonly FanArm[];
  },
): Promise<boolean> {
  const { tasks, rounds, arms } = options;
  if (arms.some(isArgo)) installArgo();
  const all = new Map<FanArm, Round[]>(arms.map((arm) => [arm, []]));
  // The first round is not judged: kinds that the API server never served take it two seconds.
  for (let round = 0; round <= rounds; round++)
    for (const arm of round % 2 === 0 ? arms : arms.toReversed()) {
      if (isArgo(arm) && round > ROUNDS_OF_ARGO) continue;
      const one = await takeRound(world, arm, tasks);
      if (round > 0) all.get(arm)?.push(one);
      say({ case: "fanout", arm, tasks, round, ...one });
    }
  return judge(all);
}

const isArgo = (arm: FanArm): arm is ArgoArm => arm.startsWith("argo");

async function takeRound(
  world: World,
  arm: FanArm,
  tasks: number,
): Promise<Round> {
  const place = await openPlace(world);
  const text = fanPipeline(tasks);
  if (arm === "hueline") await commitDataset(place, text);
  const controller = await startArm(world, place, arm);
  try {
    await warmUp(world, place, arm, tasks);
    const mark = markAudit(world.audit);
    const before = world.planeSeconds();
    const startSeconds = controller?.usage().cpuSeconds ?? 0;
    const startMs = Date.now();
    const endMs = await runArm(world, place, { arm, name: "fan", tasks, text });
    const usage = controller?.usage() ?? null;
    const used = usage && {
      ...usage,
      cpuSeconds: round2(usage.cpuSeconds - startSeconds),
    };
    const planeCpuS = Object.fromEntries(
      Object.entries(world.planeSeconds()).map(([name, seconds]) => [
        name,
        round2(seconds - (before[name] ?? 0)),
      ]),
    );
    const audit = await readAudit(world.audit, mark);
    const requests = audit.of(agents[arm]);
    const { lastEndedAtMs } = await place.worked();
    const wallS = round2((endMs - startMs) / 1000);
    const podsS = round2((lastEndedAtMs - startMs) / 1000);
    const [jobAtMs] = audit.times(agents[arm], "create jobs");
    const jobS =
      jobAtMs === undefined ? null : round2((jobAtMs - startMs) / 1000);
    return { wallS, jobS, podsS, controller: used, requests, planeCpuS };
  } finally {
    await controller?.stop();
    await place.close();
  }
}

async function startArm(
  world: World,
  place: Place,
  arm: FanArm,
): Promise<Program | null> {
  if (madeBy(arm) === resources.job) return null;
  return isArgo(arm)
    ? await startArgo(world, place, arm)
    : await startController(world, place);
}

/** Resolves when nothing is left of it. */
async function warmUp(
  world: World,
  place: Place,
  arm: FanArm,
  tasks: number,
): Promise<void> {
  const fewer = Math.ceil(tasks / 10);
  const text = fanPipeline(fewer, { firstSeed: tasks + 1 });
  await runArm(world, place, { arm, name: "warm-up", tasks: fewer, text });
  const { namespace } = place;
  const made = madeBy(arm);
  const { items } = await world.kube.list(made, { namespace });
  for (const { metadata } of items) await world.kube.remove(made, metadata);
  await until("the pods of the warm-up to be gone", 120, async () => {
    const pods = await world.kube.list(resources.pod, { namespace });
    return pods.items.length === 0;
  });
  await delay(SETTLE_MS);
}

function madeBy(arm: FanArm): KubeResource {
  if (arm === "hueline") return resources.run;
  return isArgo(arm) ? workflows : resources.job;
}

type Work = {
  readonly arm: FanArm;
  readonly name: string;
  readonly tasks: number;
  readonly text: string;
};

/** Resolves with when it had come to its end. */
async function runArm(
  { kube }: World,
  place: Place,
  { arm, name, tasks, text }: Work,
): Promise<number> {
  const watched = { kube, place, count: 1 };
  if (arm === "hueline") {
    const over = watchFor<Run>({
      ...watched,
      resource: resources.run,
      isThere: isSucceeded,
    });
    await submitRun(kube, place, { name, spec: { pipeline: text } });
    return (await over).atMs;
  }
  if (isArgo(arm)) {
    const over = watchFor<Workflow>({
      ...watched,
      resource: workflows,
      isThere: ({ status }) => status?.phase === "Succeeded",
    });
    await submitWorkflow(kube, place, fanWorkflow(name, tasks));
    return (await over).atMs;
  }
  const job = arm === "job" ? sameJob(place, tasks) : plainJob(place, tasks);
  const { ended: before } = await place.worked();
  await kube.create(resources.job, job);
  await until("the Job's pods to end", 300, async () => {
    const { ended } = await place.worked();
    return ended - before >= tasks;
  });
  return (await place.worked()).lastEndedAtMs;
}

const LIMITS = { ofJob: 1.1, writesOfArgo: 0.1 };

function judge(all: ReadonlyMap<FanArm, readonly Round[]>): boolean {
  const of = (arm: FanArm, pick: (round: Round) => number): number =>
    median(all.get(arm)?.map(pick) ?? []);
  const wall = (arm: FanArm): number => of(arm, ({ wallS }) => wallS);
  const writes = (arm: FanArm): number => of(arm, (one) => one.requests.writes);
  const argos = [...all.keys()].filter(isArgo);
  const ofJob = round2(wall("hueline") / wall("job"));
  const ofArgo = Object.fromEntries(
    argos.map((arm) => [arm, round2(wall("hueline") / wall(arm))]),
  );
  const writesOfArgo = Object.fromEntries(
    argos.map((arm) => [arm, round3(writes("hueline") / writes(arm))]),
  );
  // What was not measured is not judged.
  const isWithinLimits =
    !(ofJob > LIMITS.ofJob) &&
    Object.values(ofArgo).every((ratio) => ratio < 1) &&
    Object.values(writesOfArgo).every((part) => part <= LIMITS.writesOfArgo);
  const medians = Object.fromEntries(
    [...all.keys()].map((arm) => [arm, wall(arm)]),
  );
  say({
    case: "fanout",
    medians,
    ofJob,
    ofArgo,
    writesOfArgo,
    limits: LIMITS,
    isWithinLimits,
  });
  return isWithinLimits;
}

const round2 = (value: number): number => Math.round(value * 100) / 100;
const round3 = (value: number): number => Math.round(value * 1000) / 1000;

export function say(fields: object): void {
  process.stdout.write(`${JSON.stringify(fields)}\n`);
}
