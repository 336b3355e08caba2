import { describe, expect, it } from "vitest";
import { TransientError, UserError } from "../../src/base/errors.ts";
import { hash32 } from "../../src/base/random.ts";
import { resources } from "../../src/kube/kube.ts";
import { annotations } from "../../src/resources/labels.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import {
  openControllerWorld,
  smallPipeline,
  type ControllerWorld,
} from "../support/controller-world.ts";
import { testNamespace } from "../support/fake-api-server.ts";
import { createFaultyStore } from "../support/faulty-store.ts";
import { waitFor } from "../support/wait-for.ts";

const allTasks = [
  "photos",
  "photos-0-of-2",
  "photos-1-of-2",
  "pretrain-seed-0",
  "pretrain-seed-1",
  "pretrain-seed-2",
];

const countStatusWrites = ({ server }: ControllerWorld): number =>
  server.requests.filter(
    ({ resource, subresource, verb }) =>
      resource === "runs" && subresource === "status" && verb === "apply",
  ).length;

/** Which tasks pods work on now, by how many pods have had them. */
const waitForTries = (
  world: ControllerWorld,
  run: string,
  task: string,
  tries: number,
): Promise<true> =>
  waitFor(`${task} for the ${tries}. time`, async () =>
    (await world.triesOf(run, task)) >= tries ? true : null,
  );

describe("a controller", () => {
  it("drives a Run to its end: every task is computed once, and the status tells all of it", async () => {
    const world = await openControllerWorld();
    await world.start();
    await world.submit("first");
    const run = await world.phase("first", "Succeeded");
    expect(run.status).toMatchObject({
      done: "6/6",
      plan: { tasks: 6, cached: 0, shared: 0, quota: "fits" },
      counts: { total: 6, succeeded: 6, cached: 0, failed: 0 },
    });
    expect((await world.commits("first")).toSorted()).toEqual(allTasks);
    expect(world.reports).toHaveLength(1);
    const events = await waitFor("the Event of the end", () => {
      const all = world.events("first");
      return all.includes("Succeeded") ? all : null;
    });
    expect(events).toContain("Planned");
    expect(new Set(events).size).toBe(events.length);
  });

  it("says that it plans while it still looks at the sources", async () => {
    const looked = Promise.withResolvers<void>();
    const world = await openControllerWorld({ fingerprinted: looked.promise });
    await world.start();
    await world.submit("first");
    await world.phase("first", "Planning");
    looked.resolve();
    await world.phase("first", "Succeeded");
  });

  it("finds in the store what an earlier Run has computed, and starts no Job", async () => {
    const world = await openControllerWorld();
    await world.start();
    await world.submit("first");
    await world.phase("first", "Succeeded");
    await world.submit("second");
    const run = await world.phase("second", "Succeeded");
    expect(run.status).toMatchObject({
      reason: "everything was found in the store",
      plan: { tasks: 6, cached: 6 },
    });
    expect(await world.commits("second")).toEqual([]);
  });

  it.each(Array.from({ length: 10 }, (_, seed) => seed))(
    "loses no task and computes none twice when it is killed twice, at moments drawn by %i",
    async (seed) => {
      const world = await openControllerWorld();
      await world.submit("hard");
      let controller = await world.start({ identity: "pod-0" });
      for (let kill = 0; kill < 2; kill++) {
        const soon = 1 + (hash32(seed, kill) % 50);
        const until = world.server.requests.length + soon;
        await waitFor("some requests", () =>
          world.server.requests.length >= until ||
          world.run("hard")?.status?.phase === "Succeeded"
            ? true
            : null,
        );
        controller.kill();
        controller = await world.start({ identity: "pod-0" });
      }
      const run = await world.phase("hard", "Succeeded");
      expect(run.status?.counts).toMatchObject({ succeeded: 6, cached: 0 });
      expect((await world.commits("hard")).toSorted()).toEqual(allTasks);
      const events = world.events("hard");
      expect(new Set(events).size).toBe(events.length);
    },
  );

  it("says the end before anything else; who comes after it died then says the Event and gives Jobs a time to live", async () => {
    const last = "pretrain-seed-2";
    const world = await openControllerWorld({
      script: (task) => ({ kind: task === last ? "run" : "succeed" }),
    });
    const first = await world.start({ isShared: false });
    await world.submit("ended");
    await waitFor("all but one", () =>
      world.run("ended")?.status?.done === "5/6" ? true : null,
    );
    const silence = { fault: { kind: "silence" }, times: 100 } as const;
    world.server.faults.add({ ...silence, verb: "create", resource: "events" });
    await world.finish("ended", last);
    await world.phase("ended", "Succeeded");
    first.kill();
    const withoutEnd = (): number =>
      world.server
        .list(resources.job)
        .filter(({ spec }) => !("ttlSecondsAfterFinished" in Object(spec)))
        .length;
    expect(world.events("ended")).not.toContain("Succeeded");
    expect(withoutEnd()).toBe(1);
    world.server.faults.clear();
    await world.start({ isShared: false });
    await waitFor("the Event and the time to live", () =>
      world.events("ended").includes("Succeeded") && withoutEnd() === 0
        ? true
        : null,
    );
  });

  it("starts what is ready although the server does not answer what no task waits for", async () => {
    const world = await openControllerWorld();
    const controller = await world.start();
    const silence = { fault: { kind: "silence" }, times: 100 } as const;
    world.server.faults.add({ ...silence, verb: "patch", resource: "jobs" });
    world.server.faults.add({ ...silence, verb: "apply", resource: "runs" });
    await world.submit("urgent");
    await waitFor("all tasks", async () =>
      (await world.commits("urgent")).length === allTasks.length ? true : null,
    );
    controller.kill();
  });

  it("of two without leases by mistake, one drives and the other says who does", async () => {
    const world = await openControllerWorld({
      script: () => ({ kind: "run" }),
    });
    await world.start({ isShared: false });
    await world.start({ isShared: false });
    await world.submit("shared");
    await waitForTries(world, "shared", "photos-0-of-2", 1);
    await waitFor("the word of the other", () =>
      world.events("shared").includes("DrivenElsewhere") ? true : null,
    );
    expect(await world.triesOf("shared", "photos-0-of-2")).toBe(1);
  });

  it("takes over at once from one that is gone, without leases too", async () => {
    const world = await openControllerWorld();
    world.pauseKubelet(true);
    const first = await world.start({ isShared: false });
    await world.start({ isShared: false });
    await world.submit("handed");
    await waitFor("Jobs", () =>
      world.server.list(resources.job).length > 0 ? true : null,
    );
    first.kill();
    world.pauseKubelet(false);
    await world.phase("handed", "Succeeded");
    expect((await world.commits("handed")).toSorted()).toEqual(allTasks);
  });

  it("shares Runs with another replica, and takes over those of one that is gone", async () => {
    const world = await openControllerWorld();
    world.pauseKubelet(true);
    const first = await world.start({ identity: "pod-a" });
    const second = await world.start({ identity: "pod-b" });
    const shardsOf = async ({ metrics }: typeof first): Promise<string> => {
      const { text } = await metrics.render();
      return /^hueline_controller_shards_held (\d+)$/m.exec(text)?.[1] ?? "";
    };
    await waitFor("halves", async () =>
      (await shardsOf(first)) === "2" && (await shardsOf(second)) === "2"
        ? true
        : null,
    );
    const names = ["a", "b", "c", "d", "e", "f"];
    for (const name of names)
      await world.submit(name, {
        pipeline: smallPipeline.replace("bucket/photos", `bucket/${name}`),
      });
    await waitFor("Jobs of all", () =>
      world.server.list(resources.job).length >= 1 ? true : null,
    );
    first.kill();
    world.pauseKubelet(false);
    for (const name of names) {
      await world.phase(name, "Succeeded");
      expect((await world.commits(name)).toSorted()).toEqual(allTasks);
    }
  });

  it("holds a Run whose budget of GPU-hours is used up, until it is raised", async () => {
    const pipeline = smallPipeline.replace(
      "with:\n      model",
      "resources: { gpu: 1 }\n    with:\n      model",
    );
    const world = await openControllerWorld();
    await world.start();
    await world.submit("costly", { pipeline, budget: { gpuHours: 0 } });
    const held = await waitFor("the hold", () => {
      const run = world.run("costly");
      return run?.status?.phase === "Pending" ? run : null;
    });
    expect(held.status?.reason).toContain("raise spec.budget.gpuHours");
    expect(world.server.list(resources.job)).toEqual([]);
    await world.change("costly", { spec: { budget: { gpuHours: 1 } } });
    await world.phase("costly", "Succeeded");
  });

  it("lets more tasks run at once when the parallelism is raised", async () => {
    const world = await openControllerWorld({
      script: () => ({ kind: "run" }),
    });
    await world.start();
    await world.submit("narrow", { parallelism: 1 });
    await waitForTries(world, "narrow", "photos-0-of-2", 1);
    expect(await world.triesOf("narrow", "photos-1-of-2")).toBe(0);
    await world.change("narrow", { spec: { parallelism: 2 } });
    await waitForTries(world, "narrow", "photos-1-of-2", 1);
  });

  it("suspends, which removes the Jobs, and goes on where it was", async () => {
    let isHeld = true;
    const world = await openControllerWorld({
      script: (task) =>
        task === "pretrain-seed-0" && isHeld
          ? { kind: "run" }
          : { kind: "succeed" },
    });
    await world.start();
    await world.submit("paused");
    await waitForTries(world, "paused", "pretrain-seed-0", 1);
    await world.change("paused", { spec: { suspend: true } });
    await world.phase("paused", "Suspended");
    const active = world.server
      .list(resources.job)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    expect(
      active.map(({ metadata }) => metadata.annotations?.[annotations.task]),
    ).not.toContain("pretrain-seed-0");
    isHeld = false;
    await world.change("paused", { spec: { suspend: false } });
    await world.phase("paused", "Succeeded");
    expect((await world.commits("paused")).toSorted()).toEqual(allTasks);
  });

  it("plans a Run that is submitted suspended, and starts nothing", async () => {
    const world = await openControllerWorld();
    await world.start();
    await world.submit("looked-at", { suspend: true });
    const run = await world.phase("looked-at", "Suspended");
    expect(run.status?.plan).toMatchObject({ tasks: 6, cached: 0 });
    expect(world.server.list(resources.job)).toEqual([]);
  });

  it("cancels, and takes the Run up again when a retry is asked for later", async () => {
    let isHeld = true;
    const world = await openControllerWorld({
      script: () => (isHeld ? { kind: "run" } : { kind: "succeed" }),
    });
    await world.start();
    await world.submit("stopped");
    await waitForTries(world, "stopped", "photos-0-of-2", 1);
    await world.change("stopped", {
      metadata: { annotations: { [annotations.cancel]: "true" } },
    });
    await world.phase("stopped", "Cancelled");
    isHeld = false;
    await world.change("stopped", {
      metadata: {
        annotations: {
          [annotations.cancel]: null,
          [annotations.retry]: `*@${new Date().toISOString()}`,
        },
      },
    });
    await world.phase("stopped", "Succeeded");
    expect(world.events("stopped")).toContain("Retried");
  });

  it("ends a Run whose pipeline has mistakes, and says all of them", async () => {
    const world = await openControllerWorld();
    await world.start();
    await world.submit("wrong", {
      pipeline: "name: wrong\nstages:\n  a: { kind: nothing }\n  b: {}\n",
    });
    const run = await world.phase("wrong", "Failed");
    expect(run.status?.reason).toContain("the pipeline has 2 mistakes: 3:");
    expect(
      run.status?.conditions.find(({ type }) => type === "Planned"),
    ).toMatchObject({ status: "False", reason: "PlanFailed" });
    expect(world.server.list(resources.job)).toEqual([]);
  });

  it("says how to take a folder to a bucket where a pipeline names one", async () => {
    const world = await openControllerWorld();
    await world.start();
    await world.submit("local", {
      pipeline:
        "name: local\nstages:\n  a: { kind: shard, with: { source: ./photos, format: image-folder } }\n",
    });
    const run = await world.phase("local", "Failed");
    expect(run.status?.reason).toContain(
      "`hueline data push FOLDER s3://bucket/prefix`",
    );
  });

  it("refuses a store that only its own disk could be", async () => {
    const world = await openControllerWorld();
    await world.start();
    await world.submit("disk", { store: "file:///etc" });
    const run = await world.phase("disk", "Failed");
    expect(run.status?.reason).toContain("found 'file:///etc'");
  });

  it("tells a failed task with its reason, and latches: what vanishes later starts nothing", async () => {
    const world = await openControllerWorld({
      script: (task) =>
        task === "pretrain-seed-1"
          ? { kind: "exit", code: 65, said: "no image has a label" }
          : { kind: "succeed" },
    });
    const controller = await world.start();
    await world.submit("failing");
    const run = await world.phase("failing", "Failed");
    expect(run.status?.reason).toContain("no image has a label");
    for (const { metadata } of world.server.list(resources.job))
      world.server.remove(resources.job, metadata.name, metadata.namespace);
    await controller.close();
    await world.start();
    await world.submit("other", { pipeline: "name: x\nstages: {}\n" });
    await world.phase("other", "Failed");
    expect(world.server.list(resources.job)).toEqual([]);
    expect(world.run("failing")?.status).toEqual(run.status);
    expect(world.events("failing").filter((one) => one === "Failed")).toEqual([
      "Failed",
    ]);
  });

  it("lives through a store that is down for a while, and says so meanwhile", async () => {
    const store = createMemoryStore();
    let isDown = false;
    const error = new TransientError({
      code: "store.unavailable",
      message: "the bucket does not answer",
      retryAfterMs: 1,
    });
    const faulty = createFaultyStore(store, () =>
      isDown ? { when: "before", error } : null,
    );
    const world = await openControllerWorld({ store });
    world.pauseKubelet(true);
    await world.start({ store: faulty });
    await world.submit("patient");
    await waitFor("Jobs", () =>
      world.server.list(resources.job).length > 0 ? true : null,
    );
    isDown = true;
    world.pauseKubelet(false);
    await waitFor("the word of the store", () => {
      const degraded = world
        .run("patient")
        ?.status?.conditions.find(({ type }) => type === "Degraded");
      return degraded?.reason === "StoreUnavailable" ? true : null;
    });
    isDown = false;
    const run = await world.phase("patient", "Succeeded");
    expect((await world.commits("patient")).toSorted()).toEqual(allTasks);
    expect(
      run.status?.conditions.find(({ type }) => type === "Degraded")?.status,
    ).toBe("False");
  });

  it("tells of success when the reports are written, and tries again where the store fails for a moment", async () => {
    let failures = 2;
    const world = await openControllerWorld({
      writeReports() {
        if (failures-- > 0)
          throw new TransientError({ code: "store.busy", message: "busy" });
        expect(world.run("reported")?.status?.phase).not.toBe("Succeeded");
      },
    });
    await world.start();
    await world.submit("reported");
    await world.phase("reported", "Succeeded");
    expect(world.reports).toHaveLength(1);
  });

  it("has succeeded although a report cannot be written, and says why", async () => {
    const world = await openControllerWorld({
      writeReports() {
        throw new UserError({
          code: "artifact.missing",
          message: "no report.json",
        });
      },
    });
    await world.start();
    await world.submit("bare");
    const run = await world.phase("bare", "Succeeded");
    expect(
      run.status?.conditions.find(({ type }) => type === "Degraded"),
    ).toMatchObject({ reason: "ReportFailed", message: "no report.json" });
  });

  it("leaves Jobs as they are when it is told to stop, and the next one goes on", async () => {
    const world = await openControllerWorld();
    world.pauseKubelet(true);
    const first = await world.start({ identity: "pod-a" });
    await world.submit("handed");
    await waitFor("Jobs", () =>
      world.server.list(resources.job).length > 0 ? true : null,
    );
    await first.close();
    const names = world.server
      .list(resources.job)
      .map(({ metadata }) => metadata.name);
    expect(names).toHaveLength(1);
    const lease = world.server
      .list(resources.lease)
      .map(({ spec }) => (spec as { holderIdentity?: string }).holderIdentity);
    expect(new Set(lease)).toEqual(new Set([""]));
    world.pauseKubelet(false);
    await world.start({ identity: "pod-b" });
    await world.phase("handed", "Succeeded");
    expect((await world.commits("handed")).toSorted()).toEqual(allTasks);
  });

  it("lets go of a Run that is deleted; its Jobs go with it", async () => {
    const world = await openControllerWorld({
      script: () => ({ kind: "run" }),
    });
    const controller = await world.start();
    await world.submit("gone");
    await waitForTries(world, "gone", "photos-0-of-2", 1);
    await world.kube.remove(resources.run, {
      name: "gone",
      namespace: testNamespace,
    });
    await waitFor("the Jobs to go", () =>
      world.server.list(resources.job).length === 0 ? true : null,
    );
    await waitFor("the Run to be let go of", async () => {
      const { text } = await controller.metrics.render();
      return text.includes('hueline_tasks{phase="Running"}') ? null : true;
    });
    // The name is free for another Run, with a run of its own.
    await world.submit("gone");
    await waitForTries(world, "gone", "photos-0-of-2", 1);
  });

  it("removes a Run when its time to live is over", async () => {
    const world = await openControllerWorld();
    await world.start();
    await world.submit("brief", { ttlSecondsAfterFinished: 0 });
    await waitFor("its removal", () =>
      world.reports.length > 0 && world.run("brief") === null ? true : null,
    );
  });

  it("writes a status no more often than it may, whatever happens", async () => {
    const world = await openControllerWorld();
    const { standardControllerLimits } =
      await import("../../src/controller/service/settings.ts");
    await world.start({
      settings: {
        limits: {
          ...standardControllerLimits,
          stepGapMs: 1,
          lookEveryMs: 5,
          statusEveryMs: 60_000,
        },
      },
    });
    await world.submit("quiet");
    await world.phase("quiet", "Succeeded");
    // The first one, and the last one.
    expect(countStatusWrites(world)).toBeLessThanOrEqual(2);
  });

  it("lives through storms of the API server", async () => {
    const world = await openControllerWorld();
    await world.start();
    for (const [index, status] of [429, 500, 503, 429, 500].entries()) {
      world.server.faults.add({
        fault: {
          kind: "refuse",
          status,
          reason: status === 429 ? "TooManyRequests" : "InternalError",
          retryAfterSeconds: 0,
        },
        times: 6,
        after: 8 * index,
      });
      world.server.faults.add({
        fault: { kind: "reset", when: index % 2 === 0 ? "before" : "after" },
        times: 3,
        after: 5 * index,
      });
    }
    await world.submit("stormy").catch(() => undefined);
    world.server.compact();
    const run = await waitFor("the Run", async () => {
      if (world.run("stormy") === null)
        await world.submit("stormy").catch(() => undefined);
      return world.run("stormy");
    });
    expect(run.metadata.name).toBe("stormy");
    world.server.compact();
    await world.phase("stormy", "Succeeded");
    expect((await world.commits("stormy")).toSorted()).toEqual(allTasks);
  });
});
