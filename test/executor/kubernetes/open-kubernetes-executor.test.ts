import { describe, expect, it } from "vitest";
import { resources } from "../../../src/kube/kube.ts";
import { annotations } from "../../../src/resources/labels.ts";
import { readAttempts } from "../../../src/store/runs/run-attempts.ts";
import { openClusterWorld, storeRun } from "../../support/cluster-world.ts";
import type { PodScript } from "../../support/fake-kubelet.ts";
import { buildPlan } from "../../support/plans.ts";
import { testNamespace } from "../../support/fake-api-server.ts";

const succeed: PodScript = { kind: "succeed" };
const always = () => succeed;
const hang = (): PodScript => ({ kind: "run" });
const study = buildPlan({
  photos: {},
  "train-a": { kind: "pretrain", inputs: ["photos"], stage: "train" },
  "train-b": { kind: "pretrain", inputs: ["photos"], stage: "train" },
  "score-a": { kind: "evaluate", inputs: ["train-a"], stage: "score" },
  "score-b": { kind: "evaluate", inputs: ["train-b"], stage: "score" },
});
const seven = buildPlan(
  Object.fromEntries(
    Array.from({ length: 7 }, (_, i) => [
      `score-${i}`,
      { kind: "evaluate" as const, stage: "score" },
    ]),
  ),
);
const one = buildPlan({ train: { kind: "pretrain" } });
const exit = (code: number, more: object = {}): PodScript => ({
  kind: "exit",
  code,
  ...more,
});
const error = (code: string, msg: string, hint: string | null = null) =>
  `${JSON.stringify({ level: "error", code, hint, msg })}\n`;

describe("a Run in a cluster", () => {
  it("ends with every task computed once: trainings in a Job each, the others packed", async () => {
    const world = await openClusterWorld({ plan: study, script: always });
    const { status } = await world.until("Succeeded");
    expect(status.counts).toMatchObject({ Succeeded: 5, cached: 0 });
    expect([...world.kubelet.commits].sort()).toEqual(
      study.tasks.map(({ name }) => name).sort(),
    );
    const sizes = world
      .jobs()
      .map(
        ({ spec, metadata }) =>
          `${metadata.labels?.["hueline.dev/stage"] ?? ""} ${spec.completions}`,
      );
    expect(sizes.sort()).toEqual(["photos 1", "score 2", "train 1", "train 1"]);
    for (const { spec } of world.jobs()) {
      expect(spec.ttlSecondsAfterFinished).toBe(600);
      expect(spec.suspend).toBeUndefined();
    }
  });

  it("starts what comes next as soon as the manifest is there, not when the Job is complete", async () => {
    const world = await openClusterWorld({ plan: study, script: always });
    await world.round();
    for (const job of world.jobs())
      world.server.change(
        resources.job,
        { name: job.metadata.name },
        { status: { completedIndexes: null, conditions: [] } },
      );
    await world.round();
    await world.round();
    const [photos] = world.jobs();
    world.server.change(
      resources.job,
      { name: photos?.metadata.name ?? "" },
      { status: { completedIndexes: null, conditions: [] } },
    );
    world.sync();
    await world.drive();
    expect(world.jobs()).toHaveLength(3);
  });

  it("costs one create and one patch for many tasks, and nothing while nothing happens", async () => {
    const world = await openClusterWorld({ plan: seven, script: always });
    await world.until("Succeeded");
    const requests = () =>
      world.server.requests.map(({ verb, resource }) => `${verb} ${resource}`);
    expect(requests()).toEqual(["create jobs", "patch jobs"]);
    for (let i = 0; i < 5; i++) await world.round();
    expect(requests()).toHaveLength(2);
  });

  it("starts nothing twice while the informers are behind", async () => {
    const world = await openClusterWorld({ plan: seven, script: hang });
    for (let i = 0; i < 5; i++) await world.drive();
    expect(world.jobs()).toHaveLength(1);
    await world.restart();
    world.sync();
    await world.drive();
    expect(world.jobs()).toHaveLength(1);
  });

  it("tells the attempts of a driver before it apart from what the run had found", async () => {
    const world = await openClusterWorld({ plan: study, script: always });
    await world.until("Succeeded");
    for (const { metadata } of world.jobs())
      world.server.remove(resources.job, metadata.name);
    await world.restart();
    const { status } = await world.round();
    expect(status.phase).toBe("Succeeded");
    expect(status.counts.cached).toBe(0);
    expect(world.jobs()).toHaveLength(0);
  });
});

describe("a task that fails in a cluster", () => {
  it("has the worker's error as its reason, and stays failed when its Job is gone", async () => {
    const world = await openClusterWorld({
      plan: one,
      script: () =>
        exit(65, { said: error("data.empty", "no photographs", "add some") }),
    });
    await world.until("Failed");
    for (const { metadata } of world.jobs())
      world.server.remove(resources.job, metadata.name);
    await world.restart();
    const { status } = await world.round();
    expect(status.phase).toBe("Failed");
    expect(status.notes[0]?.reason).toBe("no photographs; add some");
    expect(world.kubelet.triesOf("train")).toBe(1);
    expect(world.jobs()).toHaveLength(0);
  });

  it("is tried again by its Job for what may pass, and by nobody after that", async () => {
    const world = await openClusterWorld({
      plan: one,
      script: () => exit(75, { said: error("store.away", "no answer") }),
    });
    const { status } = await world.until("Failed");
    expect(world.kubelet.triesOf("train")).toBe(8);
    expect(world.jobs()).toHaveLength(1);
    expect(status.notes[0]?.reason).toContain("no answer");
  });

  it("is tried as often as the rules say after a bug, though its Job would go on", async () => {
    const world = await openClusterWorld({
      plan: one,
      script: () => exit(70, { said: error("worker.bug", "TypeError: x") }),
    });
    const { status } = await world.until("Failed");
    expect(world.kubelet.triesOf("train")).toBeLessThanOrEqual(4);
    expect(status.notes[0]?.reason).toContain("TypeError: x (3 times)");
  });

  it("gets more memory once after it ran out of it, and fails with the figures if that is not enough", async () => {
    const GiB = 2 ** 30;
    const plan = buildPlan({
      train: {
        kind: "pretrain",
        resources: { memoryBytes: GiB, memoryMaxBytes: 3 * GiB },
      },
    });
    const world = await openClusterWorld({
      plan,
      script: () => exit(137, { reason: "OOMKilled" }),
    });
    const { status } = await world.until("Failed");
    const limits = world
      .jobs()
      .map(({ spec }) => JSON.stringify(spec.template));
    expect(
      limits.filter((text) => text.includes('"memory":"1Gi"')),
    ).toHaveLength(1);
    expect(
      limits.filter((text) => text.includes('"memory":"3Gi"')),
    ).toHaveLength(1);
    expect(status.notes[0]?.reason).toContain("declared 3.0 GiB");
  });

  it("is given up with its reason when its image cannot be pulled for long", async () => {
    const world = await openClusterWorld({
      plan: one,
      script: () => ({
        kind: "stuck",
        reason: "ImagePullBackOff",
        message: 'Back-off pulling image "hueline:typo"',
      }),
      limits: { stuckMs: 60_000 },
    });
    for (let i = 0; i < 3; i++) await world.round();
    const waiting = await world.round();
    expect(waiting.status.notes[0]).toMatchObject({
      phase: "Pending",
      reason: expect.stringContaining("ImagePullBackOff"),
    });
    const { status } = await world.until("Failed", 20);
    expect(status.notes[0]?.reason).toContain("hueline:typo");
    await world.round();
    expect(world.jobs()).toHaveLength(0);
  });

  it("fails at once where the cluster refuses its Job for good", async () => {
    const other = await openClusterWorld({ plan: one, script: always });
    await other.drive();
    const name = other.jobs()[0]?.metadata.name ?? "";
    const taken = await openClusterWorld({ plan: one, script: always });
    taken.server.put(resources.job, {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name, namespace: testNamespace },
      spec: {},
    });
    await taken.drive();
    const { status } = await taken.drive();
    expect(status.phase).toBe("Failed");
    expect(status.notes[0]?.reason).toContain("is not this Run's");
  });
});

describe("a disrupted task", () => {
  it("goes on in a new pod of the same Job when its node takes it, as often as that is", async () => {
    const world = await openClusterWorld({
      plan: one,
      script: (_, tries) =>
        tries < 9
          ? exit(143, { disruption: "EvictionByEvictionAPI" })
          : succeed,
    });
    await world.until("Succeeded");
    expect(world.kubelet.triesOf("train")).toBe(10);
    expect(world.jobs()).toHaveLength(1);
  });

  it("starts again when somebody removes its Job", async () => {
    const world = await openClusterWorld({
      plan: one,
      script: (_, tries) => (tries === 0 ? { kind: "run" } : succeed),
    });
    await world.round();
    await world.round();
    const [job] = world.jobs();
    await world.kube.remove(resources.job, {
      name: job?.metadata.name ?? "",
      namespace: testNamespace,
    });
    await world.until("Succeeded");
    expect(world.kubelet.commits).toEqual(["train"]);
  });

  it("is freed from a pod that a dead node holds on to", async () => {
    let isNodeDead = true;
    const world = await openClusterWorld({
      plan: one,
      script: (_, tries) => (tries === 0 ? { kind: "run" } : succeed),
      spec: { pods: { lostAfterSeconds: 60 } },
      isNodeDead: () => isNodeDead,
    });
    await world.round();
    await world.round();
    const [pod] = world.pods();
    await world.kube.remove(resources.pod, {
      name: pod?.metadata.name ?? "",
      namespace: testNamespace,
    });
    await world.round(30);
    expect(world.pods()).toHaveLength(1);
    await world.round(300);
    await world.round();
    isNodeDead = false;
    await world.until("Succeeded");
    expect(world.kubelet.commits).toEqual(["train"]);
  });
});

describe("a Run that is steered", () => {
  it("removes its Jobs while it is suspended, and starts new attempts afterwards", async () => {
    let isDone = false;
    const world = await openClusterWorld({
      plan: seven,
      script: () => (isDone ? succeed : { kind: "run" }),
    });
    await world.round();
    await world.round();
    world.setControl({ suspend: "suspended by spec.suspend" });
    await world.until("Suspended");
    await world.round();
    expect(world.jobs()).toHaveLength(0);
    expect(world.pods()).toHaveLength(0);
    isDone = true;
    world.setControl({});
    await world.until("Succeeded");
    expect(world.jobs()[0]?.metadata.annotations?.[annotations.attempt]).toBe(
      "2",
    );
  });

  it("stops everything when it is cancelled", async () => {
    const world = await openClusterWorld({ plan: study, script: hang });
    await world.round();
    world.setControl({ cancel: true });
    await world.until("Cancelled");
    await world.round();
    expect(world.jobs()).toHaveLength(0);
  });

  it("has never more pods than its parallelism, and gives free places to whoever waits", async () => {
    const plan = buildPlan({
      a: { kind: "pretrain" },
      b: { kind: "pretrain" },
      ...Object.fromEntries(
        Array.from({ length: 5 }, (_, i) => [
          `score-${i}`,
          { kind: "evaluate" as const, stage: "score" },
        ]),
      ),
    });
    const world = await openClusterWorld({
      plan,
      script: always,
      spec: { parallelism: 2 },
    });
    let most = 0;
    for (let i = 0; i < 60; i++) {
      const { status } = await world.round();
      const active = world
        .pods()
        .filter(
          ({ status: { phase } = {} }) =>
            phase === "Running" || phase === "Pending",
        );
      most = Math.max(most, active.length);
      if (status.phase === "Succeeded") break;
    }
    expect(most).toBe(2);
    expect(world.kubelet.commits).toHaveLength(7);
  });

  it("waits for a quota with the server's words, and goes on when there is room", async () => {
    const world = await openClusterWorld({
      plan: one,
      script: always,
      limits: { quotaMs: 3_600_000 },
    });
    const message =
      'jobs.batch "x" is forbidden: exceeded quota: team, requested: count/jobs.batch=1, used: count/jobs.batch=5, limited: count/jobs.batch=5';
    const create = world.kube.create;
    let isFull = true;
    Object.assign(world.kube, {
      create: async (...parameters: Parameters<typeof create>) => {
        if (isFull) {
          const { KubeRefusal } = await import("../../../src/kube/refusal.ts");
          throw new KubeRefusal({ status: 403, reason: "Forbidden", message });
        }
        return await create(...parameters);
      },
    });
    await world.round();
    const { status } = await world.round();
    expect(status.notes[0]).toMatchObject({
      phase: "Pending",
      reason: expect.stringContaining("exceeded quota: team"),
    });
    expect(world.executor().troubles()).toEqual([]);
    world.clock.advance(2 * 3_600_000);
    expect(world.executor().troubles()[0]).toContain("waited for 2 hours");
    isFull = false;
    await world.until("Succeeded");
  });

  it("says why a queue does not admit it, and leaves `suspend` alone", async () => {
    const world = await openClusterWorld({
      plan: one,
      script: always,
      spec: { queue: "team-gpus", priority: "high" },
    });
    await world.round();
    const [job] = world.jobs();
    expect(job?.metadata.labels).toMatchObject({
      "kueue.x-k8s.io/queue-name": "team-gpus",
      "kueue.x-k8s.io/priority-class": "high",
    });
    const name = job?.metadata.name ?? "";
    world.server.change(resources.job, { name }, { spec: { suspend: true } });
    for (const { metadata } of world.pods())
      world.server.remove(resources.pod, metadata.name);
    const message =
      "couldn't assign flavors: insufficient unused quota for gpu";
    world.server.put(resources.workload, {
      apiVersion: "kueue.x-k8s.io/v1beta1",
      kind: "Workload",
      metadata: {
        name: "w",
        namespace: testNamespace,
        ownerReferences: [
          {
            apiVersion: "batch/v1",
            kind: "Job",
            name,
            uid: job?.metadata.uid ?? "",
          },
        ],
      },
      status: {
        conditions: [
          {
            type: "QuotaReserved",
            status: "False",
            reason: "Pending",
            message,
          },
        ],
      },
    });
    await world.round();
    const { status } = await world.round();
    expect(status.notes[0]?.reason).toBe(
      `waits in queue 'team-gpus': ${message}`,
    );
    expect(world.jobs()[0]?.spec.suspend).toBe(true);
    world.server.change(resources.job, { name }, { spec: { suspend: false } });
    await world.until("Succeeded");
  });

  it("leaves its Jobs alone when its driver goes", async () => {
    const world = await openClusterWorld({ plan: one, script: hang });
    await world.round();
    await world.executor().close();
    expect(world.jobs()).toHaveLength(1);
    expect(await readAttempts(world.store, storeRun)).toEqual(new Map());
  });
});
