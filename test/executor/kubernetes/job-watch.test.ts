import { expect, it } from "vitest";
import { createJobWatch } from "../../../src/executor/kubernetes/job-watch.ts";
import type { Job, Pod } from "../../../src/executor/jobs/job.ts";
import type { Informer } from "../../../src/kube/informer-port.ts";
import type { Kube } from "../../../src/kube/kube.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { buildRun, storeRun } from "../../support/cluster-world.ts";
import { buildJob } from "../../support/jobs.ts";
import { createManualClock } from "../../support/manual-clock.ts";

it("shows a Job as it was changed until the informer knows of that or of more", async () => {
  const version = (generation: number, parallelism: number): Job => {
    const job = buildJob(["a"], { spec: { parallelism } });
    return { ...job, metadata: { ...job.metadata, generation } };
  };
  let known = [version(1, 1)];
  const informer = (list: () => readonly (Job | Pod)[]) =>
    ({ byIndex: list }) as unknown as Informer<Job & Pod>;
  const watch = createJobWatch({
    kube: { list: () => Promise.resolve({ items: [] }) } as unknown as Kube,
    jobs: informer(() => known),
    pods: informer(() => []),
    getRun: buildRun,
    store: createMemoryStore(),
    storeRun,
    clock: createManualClock(Date.parse("2026-01-01T00:00:00Z")),
  });
  const parallelism = async () =>
    (await watch.look()).views.map(({ job }) => job.spec.parallelism);
  expect(await parallelism()).toEqual([1]);
  watch.changed(version(2, 5));
  expect(await parallelism()).toEqual([5]);
  expect(await parallelism()).toEqual([5]);
  known = [version(3, 2)];
  expect(await parallelism()).toEqual([2]);
  known = [];
  expect(await parallelism()).toEqual([]);
});
