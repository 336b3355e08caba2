import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Pod } from "../../../src/executor/jobs/job.ts";
import { jobKeys } from "../../../src/executor/jobs/job.ts";
import {
  observeJobs,
  type JobView,
} from "../../../src/executor/jobs/observe-jobs.ts";
import {
  bornAt,
  buildJob,
  buildPod,
  containerIn,
  endedPod,
} from "../../support/jobs.ts";

const NOW = Date.parse("2026-01-01T01:00:00Z");
const running = {
  phase: "Running",
  ...containerIn({ running: { startedAt: bornAt } }),
} as const;
const observe = (views: readonly JobView[], stuckMs = 600_000) =>
  observeJobs({
    views,
    orphans: [],
    stuckMs,
    nowMs: NOW,
    isDone: () => false,
    resourcesOf: () => ({ cpu: 1, memoryBytes: 2 ** 30, gpu: 0 }),
  });
const viewOf = (
  tasks: readonly string[],
  pods: readonly Pod[],
  change: Parameters<typeof buildJob>[1] = {},
): JobView => ({
  job: buildJob(tasks, change),
  tasks,
  pods,
  workload: null,
  failedCreate: null,
});
const only = (view: JobView) => observe([view]).get("a")?.[0];

describe("what is seen of Jobs", () => {
  it("takes a pod that ended well for the end of its index, before the Job says so", () => {
    expect(only(viewOf(["a"], [buildPod(0, endedPod(0))]))?.end?.exitCode).toBe(
      0,
    );
    const byJob = viewOf(["a"], [], { status: { completedIndexes: "0" } });
    expect(only(byJob)?.end?.exitCode).toBe(0);
  });

  it("goes on with an index whose pod failed as long as its Job does", () => {
    const view = viewOf(
      ["a"],
      [
        buildPod(0, endedPod(75), { name: "first" }),
        buildPod(0, running, { name: "second" }),
      ],
    );
    expect(only(view)).toMatchObject({ end: null, waiting: null });
    const between = viewOf(["a"], [buildPod(0, endedPod(75))]);
    expect(only(between)).toMatchObject({
      end: null,
      waiting: "its pod has not been created yet",
    });
  });

  it("ends an index that its Job has given up: for good, or to be judged by us", () => {
    const status = { failedIndexes: "0" };
    const ended = (code: number, more = {}) =>
      only(viewOf(["a"], [buildPod(0, endedPod(code, more))], { status }))?.end;
    expect(ended(75)).toMatchObject({ exitCode: 75, isFinal: true });
    expect(ended(65)).toMatchObject({ exitCode: 65, isFinal: true });
    expect(ended(137)).toMatchObject({ exitCode: 137, isFinal: false });
    expect(ended(137, { reason: "OOMKilled" })).toMatchObject({
      cause: "out-of-memory",
      isFinal: false,
    });
    expect(only(viewOf(["a"], [], { status }))?.end).toMatchObject({
      exitCode: null,
      cause: "lost",
    });
  });

  it("judges an end that comes before its Job says anything as it does afterwards", () => {
    const end = (code: number, reason: string, status = {}) =>
      only(viewOf(["a"], [buildPod(0, endedPod(code, { reason }))], { status }))
        ?.end;
    const failed = { failedIndexes: "0" };
    for (const [code, reason] of [
      [137, "OOMKilled"],
      [65, "Error"],
    ] as const)
      expect(end(code, reason)).toEqual(end(code, reason, failed));
    expect(end(137, "OOMKilled")).toMatchObject({ isFinal: false });
    expect(end(65, "Error")?.reason).not.toContain("times");
  });

  it("gives up what the Job controller would ignore for ever", () => {
    const stopped = (count: number) =>
      viewOf(
        ["a"],
        [
          buildPod(0, endedPod(143), {
            annotations: { [jobKeys.ignoredFailures]: String(count) },
          }),
        ],
      );
    expect(only(stopped(49))?.end).toBeNull();
    expect(only(stopped(50))?.end).toMatchObject({
      exitCode: 143,
      isFinal: true,
    });
  });

  it.each([
    [
      "a pod without a node",
      {
        phase: "Pending",
        conditions: [
          {
            type: "PodScheduled",
            status: "False",
            reason: "Unschedulable",
            message: "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
          },
        ],
      },
      "no node: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
    ],
    [
      "a Secret that is missing",
      {
        phase: "Pending",
        ...containerIn({
          waiting: {
            reason: "CreateContainerConfigError",
            message: 'secret "s3" not found',
          },
        }),
      },
      'CreateContainerConfigError: secret "s3" not found',
    ],
    [
      "an image that is on its way",
      {
        phase: "Pending",
        ...containerIn({ waiting: { reason: "ContainerCreating" } }),
      },
      "its container is being created on node node-1",
    ],
  ] as const)("says that it waits for %s", (_, status, want) => {
    expect(
      only(
        viewOf(
          ["a"],
          [
            buildPod(0, status, {
              creationTimestamp: new Date(NOW).toISOString(),
            }),
          ],
        ),
      )?.waiting,
    ).toBe(want);
  });

  it("says that nothing hinders a pod that is created and set up, as long as that takes no longer than usual", () => {
    const at = (seconds: number): string =>
      new Date(NOW - seconds * 1000).toISOString();
    const isStarting = (view: JobView) => only(view)?.isStarting;
    const pod = (seconds: number, status: Pod["status"]) =>
      viewOf(
        ["a"],
        [buildPod(0, status ?? {}, { creationTimestamp: at(seconds) })],
      );
    const creating = {
      phase: "Pending",
      ...containerIn({ waiting: { reason: "ContainerCreating" } }),
    } as const;
    const unpullable = {
      phase: "Pending",
      ...containerIn({ waiting: { reason: "ErrImagePull" } }),
    } as const;
    const unschedulable = {
      phase: "Pending",
      conditions: [{ type: "PodScheduled", status: "False" }],
    } as const;
    expect(isStarting(pod(29, creating))).toBe(true);
    expect(isStarting(pod(31, creating))).toBe(false);
    expect(isStarting(pod(1, unpullable))).toBe(false);
    expect(isStarting(pod(1, unschedulable))).toBe(false);
    const none = viewOf(["a"], [], { status: { startTime: at(1) } });
    expect(isStarting(none)).toBe(true);
    expect(isStarting({ ...none, failedCreate: "exceeded quota" })).toBe(false);
    expect(isStarting(viewOf(["a"], []))).toBe(false);
    const queued = viewOf(["a"], [], {
      spec: { suspend: true },
      status: { startTime: at(1) },
    });
    expect(isStarting(queued)).toBe(false);
  });

  it("says why there is no pod: its turn has not come, or it could not be created", () => {
    const view = viewOf(["b", "a"], [buildPod(0, running)], {
      spec: { parallelism: 1 },
    });
    expect(observe([view]).get("a")?.[0]?.waiting).toContain("waits its turn");
    const refused = {
      ...viewOf(["a"], []),
      failedCreate: "exceeded quota: pods",
    };
    expect(only(refused)?.waiting).toBe(
      "its pod could not be created: exceeded quota: pods",
    );
  });

  it("says what Kueue says, and that somebody else has suspended a Job", () => {
    const conditions = [
      {
        type: "Evicted",
        status: "True",
        reason: "Preempted",
        message: "Preempted to accommodate a workload",
      },
      {
        type: "QuotaReserved",
        status: "False",
        reason: "Pending",
        message: "insufficient quota",
      },
    ];
    const queued = viewOf(["a"], [], {
      spec: { suspend: true },
      labels: { "kueue.x-k8s.io/queue-name": "team" },
    });
    const workload = {
      apiVersion: "kueue.x-k8s.io/v1beta1",
      kind: "Workload",
      metadata: { name: "w" },
      status: { conditions },
    };
    expect(only({ ...queued, workload })?.waiting).toBe(
      "waits in queue 'team': Preempted to accommodate a workload; insufficient quota",
    );
    expect(
      only(viewOf(["a"], [], { spec: { suspend: true } }))?.waiting,
    ).toContain("suspended by somebody");
  });

  it("fails a container that cannot be created after a time, and not before", () => {
    const status = {
      phase: "Pending",
      ...containerIn({
        waiting: { reason: "ImagePullBackOff", message: "no such image" },
      }),
    } as const;
    const view = viewOf(["a"], [buildPod(0, status)]);
    expect(observe([view], 2 * 3_600_000).get("a")?.[0]?.end).toBeNull();
    expect(observe([view], 60_000).get("a")?.[0]?.end).toMatchObject({
      isFinal: true,
      reason: "ImagePullBackOff: no such image; given up after 1 minutes",
    });
  });

  it("looks no more at a task that is done, in a Job whose others go on", () => {
    const seen = observeJobs({
      views: [
        viewOf(["a", "b"], [buildPod(0, endedPod(0)), buildPod(1, running)]),
      ],
      orphans: [],
      stuckMs: 1,
      nowMs: NOW,
      isDone: (task) => task === "a",
      resourcesOf: () => ({ cpu: 1, memoryBytes: 1, gpu: 0 }),
    });
    expect([...seen.keys()]).toEqual(["b"]);
  });

  it("waits for a pod whose Job is gone", () => {
    const seen = observeJobs({
      views: [],
      orphans: [{ task: "a", attempt: 3, pod: buildPod(0, running) }],
      stuckMs: 1,
      nowMs: NOW,
      isDone: () => false,
      resourcesOf: () => ({ cpu: 1, memoryBytes: 1, gpu: 0 }),
    });
    expect(seen.get("a")).toMatchObject([
      { number: 3, end: null, waiting: "the pod before it has not ended yet" },
    ]);
  });

  it("does not depend on the order of Jobs and pods", () => {
    const pods = [
      buildPod(0, endedPod(75), {
        name: "a-1",
        creationTimestamp: "2026-01-01T00:00:01Z",
      }),
      buildPod(0, running, {
        name: "a-2",
        creationTimestamp: "2026-01-01T00:00:02Z",
      }),
      buildPod(1, endedPod(0), { name: "b-1" }),
      buildPod(2, endedPod(65), { name: "c-1" }),
      buildPod(2, endedPod(143), { name: "c-2" }),
    ];
    const tasks = ["a", "b", "c", "d"];
    const status = { failedIndexes: "2" };
    const views = (order: readonly Pod[]) => [
      viewOf(tasks, order, { status }),
      viewOf(["c"], [buildPod(0, running)], { attempt: 2 }),
      // The same attempt in another Job, by mistake.
      { ...viewOf(["d"], [buildPod(0, endedPod(0))]), tasks: ["d"] },
    ];
    const sorted = (all: readonly JobView[]) =>
      [...observe(all)]
        .map(
          ([task, attempts]) =>
            [task, attempts.toSorted((x, y) => x.number - y.number)] as const,
        )
        .toSorted(([x], [y]) => (x < y ? -1 : 1));
    const want = sorted(views(pods));
    fc.assert(
      fc.property(
        fc.shuffledSubarray(pods, { minLength: pods.length }),
        fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
        (order, jobs) => {
          const all = views(order);
          expect(sorted(jobs.flatMap((i) => all[i] ?? []))).toEqual(want);
        },
      ),
    );
  });
});
