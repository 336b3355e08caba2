/** Suspended Runs that nobody looks at: what the controller asks of the API server, and how much of a processor it takes. */
import { setTimeout as delay } from "node:timers/promises";
import { resources } from "../../../src/kube/kube.ts";
import type { Run } from "../../../src/resources/run-resource.ts";
import { markAudit, readAudit } from "./audit.ts";
import { say } from "./fanout.ts";
import { commitDataset, studyPipeline } from "./pipelines.ts";
import { submitRun, watchFor } from "./runs.ts";
import { openPlace, startController, type World } from "./world.ts";

const RUNS = 50;

export async function idle(
  world: World,
  { minutes }: { readonly minutes: number },
): Promise<boolean> {
  const { kube, audit: file } = world;
  const place = await openPlace(world);
  await commitDataset(place, studyPipeline(0));
  const controller = await startController(world, place);
  try {
    const resource = resources.run;
    const isThere = (run: Run) => run.status?.phase === "Suspended";
    const over = watchFor<Run>({ kube, place, resource, isThere, count: RUNS });
    for (let i = 0; i < RUNS; i++)
      await submitRun(kube, place, {
        name: `study-${i}`,
        spec: { pipeline: studyPipeline(i), suspend: true },
      });
    await over;
    const mark = markAudit(file);
    const before = controller.usage().cpuSeconds;
    await delay(minutes * 60_000);
    const { cpuSeconds, peakMiB } = controller.usage();
    const { all, kinds } = (await readAudit(file, mark)).of(
      "hueline-controller/",
    );
    say({
      case: "idle",
      runs: RUNS,
      minutes,
      requestsPerMinute: Math.round((all / minutes) * 10) / 10,
      cpuSecondsPerMinute:
        Math.round(((cpuSeconds - before) / minutes) * 100) / 100,
      peakMiB,
      kinds,
    });
    return true;
  } finally {
    await controller.stop();
    await place.close();
  }
}
