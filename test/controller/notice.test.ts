import { expect, it } from "vitest";
import { noticeChanges } from "../../src/controller/notice.ts";
import type { Watched } from "../../src/controller/objects.ts";
import type { Job, Pod } from "../../src/executor/jobs/job.ts";
import type { KubeObject } from "../../src/kube/kube.ts";
import { buildJob, buildPod } from "../support/jobs.ts";
import { buildRun } from "../support/cluster-world.ts";

/** Informers that a test speaks for, and what they led to: the urgency of each change of a Run's Jobs and pods. */
function openNotice() {
  const informer = <T extends KubeObject>() => {
    const known = new Map<string, T>();
    const listeners: ((object: T) => void)[] = [];
    return {
      get: (_: string, name: string) => known.get(name) ?? null,
      onChange: (listener: (object: T) => void) => {
        listeners.push(listener);
      },
      tell(object: T, isThere = true) {
        if (isThere) known.set(object.metadata.name, object);
        else known.delete(object.metadata.name);
        for (const listener of listeners) listener(object);
      },
    };
  };
  const runs = informer<ReturnType<typeof buildRun>>();
  const jobs = informer<Job>();
  const pods = informer<Pod>();
  const schedules = informer();
  const urgencies: boolean[] = [];
  noticeChanges(
    { runs, jobs, pods, schedules } as unknown as Watched,
    (_, isUrgent = false) => {
      urgencies.push(isUrgent);
    },
  );
  runs.tell(buildRun());
  urgencies.length = 0;
  return { jobs, pods, urgencies };
}

const job = buildJob(["a", "b", "c"]);
const podOf = (
  index: number,
  phase: "Running" | "Succeeded",
  owner = job,
): Pod => {
  const { name, uid = "" } = owner.metadata;
  const pod = buildPod(index, { phase });
  const labels = { ...job.metadata.labels, ...pod.metadata.labels };
  const reference = { apiVersion: "batch/v1", kind: "Job", name, uid };
  const ownerReferences = [reference];
  return { ...pod, metadata: { ...pod.metadata, labels, ownerReferences } };
};

it("is urgent that the last pod of a Job has ended well, once; that others have is not", () => {
  const { jobs, pods, urgencies } = openNotice();
  jobs.tell(job);
  pods.tell(podOf(0, "Running"));
  pods.tell(podOf(0, "Succeeded"));
  pods.tell(podOf(1, "Succeeded"));
  pods.tell(podOf(1, "Succeeded"));
  expect(urgencies).toEqual([false, false, false, false, false]);
  pods.tell(podOf(2, "Succeeded"));
  pods.tell(podOf(2, "Succeeded"));
  expect(urgencies.slice(5)).toEqual([true, false]);
});

it("counts each Job by itself, and takes a pod whose Job nobody knows for urgent", () => {
  const { jobs, pods, urgencies } = openNotice();
  const uid = "another";
  const another = { ...job, metadata: { ...job.metadata, uid } };
  pods.tell(podOf(0, "Succeeded"));
  expect(urgencies).toEqual([true]);
  jobs.tell(job);
  for (const index of [1, 2]) pods.tell(podOf(index, "Succeeded"));
  expect(urgencies.slice(2)).toEqual([false, true]);
  jobs.tell(job, false);
  jobs.tell(another);
  urgencies.length = 0;
  for (const index of [0, 1, 2]) pods.tell(podOf(index, "Succeeded", another));
  expect(urgencies).toEqual([false, false, true]);
});
