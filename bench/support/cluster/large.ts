/**
 * One Run of very many tasks: bytes of its status while half of them are done and at the end, what the controller takes, and
 * how long `hueline status` takes with how many requests.
 */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { resources } from "../../../src/kube/kube.ts";
import type { Run } from "../../../src/resources/run-resource.ts";
import { median } from "../measure.ts";
import { markAudit, readAudit } from "./audit.ts";
import { say } from "./fanout.ts";
import { commitDataset, fanPipeline } from "./pipelines.ts";
import { until } from "./processes.ts";
import { isSucceeded, submitRun, watchFor } from "./runs.ts";
import { openPlace, startController, type Place, type World } from "./world.ts";

const LIMITS = { statusBytes: 32 * 1024, statusMs: 300, statusRequests: 3 };
const ROUNDS = 5;
const root = path.resolve(import.meta.dirname, "../../..");

export async function large(
  world: World,
  { tasks }: { readonly tasks: number },
): Promise<boolean> {
  const { kube, audit: file } = world;
  const place = await openPlace(world);
  const pipeline = fanPipeline(tasks);
  await commitDataset(place, pipeline);
  const controller = await startController(world, place);
  try {
    const resource = resources.run;
    const isThere = isSucceeded;
    const over = watchFor<Run>({ kube, place, resource, isThere, count: 1 });
    const mark = markAudit(file);
    const startMs = Date.now();
    const run = await submitRun(kube, place, {
      name: "large",
      spec: { pipeline },
    });
    await until("half of the pods", 1200, async () => {
      const { ended } = await place.worked();
      return ended > tasks / 2;
    });
    const half = await kube.get<Run>(resource, {
      name: run.metadata.name,
      namespace: place.namespace,
    });
    const { atMs: endMs, last } = await over;
    const usage = controller.usage();
    const requests = (await readAudit(file, mark)).of("hueline-controller/");
    const bytes = [half, last].map(
      (one) => JSON.stringify(one?.status ?? {}).length,
    );
    const status = await timeStatus(world, place);
    const isWithinLimits =
      Math.max(...bytes) < LIMITS.statusBytes &&
      status.ms < LIMITS.statusMs &&
      status.requests <= LIMITS.statusRequests;
    say({
      case: "large",
      tasks,
      wallS: (endMs - startMs) / 1000,
      statusBytes: { half: bytes[0], end: bytes[1] },
      controller: usage,
      requests,
      status,
      limits: LIMITS,
      isWithinLimits,
    });
    return isWithinLimits;
  } finally {
    await controller.stop();
    await place.close();
  }
}

/** `hueline status` as its users run it, its start included: built, for Node strips types anew at every start. */
async function timeStatus(
  { audit }: World,
  { namespace }: Place,
): Promise<{ readonly ms: number; readonly requests: number }> {
  execFileSync(process.execPath, ["scripts/build.ts"], { cwd: root });
  const main = path.join(root, "dist/main.js");
  const mark = markAudit(audit);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now();
    const words = [main, "status", "large", "--namespace", namespace];
    execFileSync(process.execPath, words, { stdio: ["ignore", "ignore", 2] });
    times.push(performance.now() - startMs);
  }
  const asked = await readAudit(audit, mark);
  return {
    ms: Math.round(median(times)),
    requests: asked.of("hueline-cli/").all / ROUNDS,
  };
}
