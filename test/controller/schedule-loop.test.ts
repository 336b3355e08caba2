import { describe, expect, it } from "vitest";
import { silentLogger } from "../../src/base/log.ts";
import { createScheduleLoop } from "../../src/controller/schedule-loop.ts";
import { resources } from "../../src/kube/kube.ts";
import type { Run } from "../../src/resources/run-resource.ts";
import type {
  Schedule,
  ScheduleSpec,
} from "../../src/resources/schedule-resource.ts";
import { testNamespace } from "../support/fake-api-server.ts";
import { openKube } from "../support/kube.ts";
import { createManualClock } from "../support/manual-clock.ts";

const hour = 3_600_000;

async function arrange(spec: Partial<ScheduleSpec> = {}) {
  const { kube, server } = await openKube();
  const made = await kube.create<Schedule>(resources.schedule, {
    apiVersion: resources.schedule.apiVersion,
    kind: "Schedule",
    metadata: { name: "nightly", namespace: testNamespace },
    spec: { schedule: "@hourly", run: { spec: { pipeline: "x" } }, ...spec },
  });
  const clock = createManualClock(
    Date.parse(made.metadata.creationTimestamp ?? ""),
  );
  const runs = () =>
    server.list(resources.run, testNamespace) as unknown as readonly Run[];
  const schedule = () =>
    server.get(
      resources.schedule,
      "nightly",
      testNamespace,
    ) as unknown as Schedule;
  const open = () => createScheduleLoop({ kube, clock, log: silentLogger });
  let loop = open();
  return {
    server,
    clock,
    runs,
    schedule,
    step: () => loop.step(schedule(), runs()),
    restart: () => {
      loop = open();
    },
    end(run: Run, phase: string) {
      const finishedAt = new Date(clock.now()).toISOString();
      server.put(resources.run, {
        ...run,
        status: { phase, reason: "done", conditions: [], finishedAt },
      });
    },
  };
}

describe("a schedule", () => {
  it("makes one Run a moment, whoever looks and however often", async () => {
    const world = await arrange();
    expect(await world.step()).toBeLessThanOrEqual(hour);
    expect(world.runs()).toEqual([]);
    for (let moment = 1; moment <= 3; moment++) {
      world.clock.advance(hour);
      await world.step();
      world.restart();
      await world.step();
      expect(world.runs()).toHaveLength(moment);
    }
    const [run] = world.runs();
    expect(run?.metadata.ownerReferences?.[0]?.name).toBe("nightly");
    expect(world.schedule().status?.active).toHaveLength(3);
  });

  it("waits for the Run before where it is told to, and counts what it missed once", async () => {
    const world = await arrange({ concurrencyPolicy: "Forbid" });
    for (let i = 0; i < 4; i++) {
      world.clock.advance(hour);
      await world.step();
      await world.step();
    }
    expect(world.runs()).toHaveLength(1);
    expect(world.schedule().status?.skipped).toBe(2);
    const [run] = world.runs();
    if (run) world.end(run, "Succeeded");
    await world.step();
    expect(world.runs()).toHaveLength(2);
  });

  it("keeps as much history as it is told to, and says how the last Run ended", async () => {
    const world = await arrange({ successfulRunsHistoryLimit: 1 });
    for (let i = 0; i < 3; i++) {
      world.clock.advance(hour);
      await world.step();
      for (const run of world.runs()) world.end(run, "Succeeded");
    }
    await world.step();
    expect(world.runs()).toHaveLength(1);
    expect(world.schedule().status?.lastResult).toBe("Succeeded, done");
  });
});
