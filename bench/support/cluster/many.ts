/** Many Runs at once, each of 30 tasks in five layers, two of which are in the store: Runs a minute, and what they take. */
import { resources } from "../../../src/kube/kube.ts";
import type { Run } from "../../../src/resources/run-resource.ts";
import { markAudit, readAudit } from "./audit.ts";
import { quantile } from "./chain.ts";
import { say } from "./fanout.ts";
import { commitDataset, studyPipeline } from "./pipelines.ts";
import { isSucceeded, submitRun, watchFor } from "./runs.ts";
import { openPlace, startController, type World } from "./world.ts";

export async function many(
  world: World,
  { runs }: { readonly runs: number },
): Promise<boolean> {
  const { kube, audit: file } = world;
  const place = await openPlace(world);
  const left = await commitDataset(place, studyPipeline(0));
  const controller = await startController(world, place);
  try {
    const resource = resources.run;
    const isThere = isSucceeded;
    const watched = { kube, place, resource, isThere };
    const over = watchFor<Run>({ ...watched, count: runs });
    const mark = markAudit(file);
    const startMs = Date.now();
    for (let i = 0; i < runs; i++)
      await submitRun(kube, place, {
        name: `study-${i}`,
        spec: { pipeline: studyPipeline(i) },
      });
    const submittedMs = Date.now();
    const { atMs: endMs } = await over;
    const usage = controller.usage();
    const requests = (await readAudit(file, mark)).of("hueline-controller/");
    const { items } = await kube.list<Run>(resource, place);
    const seconds = items.map(({ status }) => {
      const { startedAt = "", finishedAt = "" } = status ?? {};
      return (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
    });
    say({
      case: "many",
      runs,
      tasks: runs * left,
      submitS: (submittedMs - startMs) / 1000,
      wallS: (endMs - startMs) / 1000,
      runsPerMinute: Math.round((runs * 60_000) / (endMs - startMs)),
      runS: { p50: quantile(seconds, 0.5), p99: quantile(seconds, 0.99) },
      podsEnded: (await place.worked()).ended,
      controller: usage,
      requests,
    });
    return true;
  } finally {
    await controller.stop();
    await place.close();
  }
}
