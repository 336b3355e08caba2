import { describe, expect, it } from "vitest";
import type { Job, Pod } from "../../../src/executor/jobs/job.ts";
import {
  tendEnded,
  tendJobs,
} from "../../../src/executor/kubernetes/tend-jobs.ts";
import { silentLogger } from "../../../src/base/log.ts";
import type { Kube } from "../../../src/kube/kube.ts";
import { buildJob, buildPod, endedPod } from "../../support/jobs.ts";

/** What becomes of a Job of one task whose end is settled. */
async function tend(
  pods: readonly Pod[],
  change: Parameters<typeof buildJob>[1] & { readonly done?: boolean } = {},
): Promise<readonly string[]> {
  const did: string[] = [];
  const job = buildJob(["a"], change);
  const patch = (...[, , { spec }]: [unknown, unknown, { spec: object }]) => {
    did.push(Object.keys(spec).join());
    return Promise.resolve({ ...job, spec: { ...job.spec, ...spec } });
  };
  await tendJobs({
    kube: { patch } as unknown as Kube,
    log: silentLogger,
    settled: [{ job, tasks: ["a"], pods, workload: null, failedCreate: null }],
    pods,
    isCommitted: () => change.done ?? false,
    ttlSeconds: 600,
    lostAfterSeconds: 300,
    nowMs: 0,
    removeJob: (gone: Job) => {
      did.push(`remove ${gone.metadata.uid ?? ""}`);
      return Promise.resolve();
    },
    onChanged: () => undefined,
  });
  return did;
}

describe("a Job whose tasks are settled", () => {
  it("is removed if it would try again what is given up, with or without a pod just now", async () => {
    for (const code of [70, 75, 143])
      expect(await tend([buildPod(0, endedPod(code))])).toEqual([
        "remove job-1",
      ]);
    expect(await tend([buildPod(0, { phase: "Running" })])).toEqual([
      "remove job-1",
    ]);
    expect(await tend([])).toEqual(["remove job-1"]);
  });

  it("stays for a while where it is over or will be: people look at it", async () => {
    const ttl = ["ttlSecondsAfterFinished"];
    expect(await tend([buildPod(0, endedPod(65))])).toEqual(ttl);
    expect(await tend([buildPod(0, endedPod(137))])).toEqual(ttl);
    expect(await tend([], { status: { failedIndexes: "0" } })).toEqual(ttl);
    expect(await tend([buildPod(0, endedPod(0))])).toEqual(ttl);
    expect(await tend([], { done: true })).toEqual(ttl);
  });

  it("waits in no queue for what others have done", async () => {
    const spec = { suspend: true };
    expect(await tend([], { done: true, spec })).toEqual(["remove job-1"]);
  });
});

describe("a Job of a Run that has ended, whose plan nobody has read", () => {
  const tendOne = async (
    change: Parameters<typeof buildJob>[1],
    hasSucceeded: boolean,
  ): Promise<readonly string[]> => {
    const did: string[] = [];
    const job = buildJob(["a"], change);
    const kube = {
      patch(...[, , { spec }]: [unknown, unknown, { spec: object }]) {
        did.push(Object.keys(spec).join());
        return Promise.resolve(job);
      },
      remove(...[, , { uid }]: [unknown, unknown, { uid: string }]) {
        did.push(`remove ${uid}`);
        return Promise.resolve(true);
      },
    } as unknown as Kube;
    await tendEnded([job], { kube, hasSucceeded, ttlSeconds: 600 });
    return did;
  };
  const finished = { conditions: [{ type: "Complete", status: "True" }] };

  it("gets a time to live where it is over, or will be since all is done", async () => {
    const ttl = ["ttlSecondsAfterFinished"];
    expect(await tendOne({ status: finished }, false)).toEqual(ttl);
    expect(await tendOne({ status: finished }, true)).toEqual(ttl);
    expect(await tendOne({}, true)).toEqual(ttl);
  });

  it("is removed where it would go on in vain", async () => {
    expect(await tendOne({}, false)).toEqual(["remove job-1"]);
    const spec = { suspend: true };
    expect(await tendOne({ spec }, true)).toEqual(["remove job-1"]);
  });

  it("is left alone where that was done before", async () => {
    const spec = { ttlSecondsAfterFinished: 600 };
    expect(await tendOne({ spec, status: finished }, true)).toEqual([]);
  });
});
