import { expect, it } from "vitest";
import { resources } from "../../../src/kube/kube.ts";
import { openClusterWorld } from "../../support/cluster-world.ts";
import { testNamespace } from "../../support/fake-api-server.ts";
import { buildPlan } from "../../support/plans.ts";

const message =
  'Error creating: pods "x" is forbidden: exceeded quota: team, requested: requests.nvidia.com/gpu=1';

it("tells that a quota refuses pods, also where some of the Job's run, and after a day that this is a trouble", async () => {
  const kinds = { kind: "evaluate" as const, stage: "score" };
  const plan = buildPlan({ a: kinds, b: kinds });
  const world = await openClusterWorld({
    plan,
    script: () => ({ kind: "run" }),
  });
  for (let i = 0; i < 3; i++) await world.round();
  const [job] = world.jobs();
  const name = job?.metadata.name ?? "";
  const second = world
    .pods()
    .find(({ metadata: { labels = {} } }) =>
      Object.values(labels).includes("1"),
    );
  world.server.remove(resources.pod, second?.metadata.name ?? "");
  const refuse = () => {
    world.server.put(resources.event, {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: `${name}.1`, namespace: testNamespace },
      involvedObject: { kind: "Job", name },
      reason: "FailedCreate",
      message,
      lastTimestamp: new Date(world.clock.now()).toISOString(),
    });
  };
  const look = async () => {
    world.sync();
    return (await world.drive()).status;
  };
  refuse();
  world.clock.advance(6000);
  await look();
  const { notes } = await look();
  expect(notes.map(({ reason }) => reason).join()).toContain("exceeded quota");
  expect(world.executor().troubles()).toEqual([]);
  world.clock.advance(25 * 3_600_000);
  refuse();
  await look();
  expect(world.executor().troubles()[0]).toContain("waited for 25 hours");
  // Said long ago, and not again: it is over.
  world.clock.advance(3_600_000);
  await look();
  await look();
  expect(world.executor().troubles()).toEqual([]);
});
