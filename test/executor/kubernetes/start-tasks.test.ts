import { expect, it } from "vitest";
import { TransientError } from "../../../src/base/errors.ts";
import { openClusterWorld } from "../../support/cluster-world.ts";
import { buildPlan } from "../../support/plans.ts";

it("asks once for a Job that is there, though the server failed at the next one", async () => {
  const plan = buildPlan({ a: { kind: "pretrain" }, b: { kind: "pretrain" } });
  const world = await openClusterWorld({
    plan,
    script: () => ({ kind: "run" }),
  });
  const { create } = world.kube;
  const asked: string[] = [];
  Object.assign(world.kube, {
    create: async (...parameters: Parameters<typeof create>) => {
      asked.push(parameters[1].metadata.name);
      if (asked.length === 2)
        throw new TransientError({ code: "kube.busy", message: "not now" });
      return await create(...parameters);
    },
  });
  await expect(world.drive()).rejects.toThrow("not now");
  await world.drive();
  expect(asked).toHaveLength(3);
  expect(asked[2]).toBe(asked[1]);
  expect(world.jobs()).toHaveLength(2);
});
