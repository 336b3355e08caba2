import { describe, expect, it } from "vitest";
import { silentLogger } from "../../../src/base/log.ts";
import { probe } from "../../../src/controller/service/probe.ts";
import { resources, type Kube } from "../../../src/kube/kube.ts";
import { openKube } from "../../support/kube.ts";

const look = (kube: Kube) =>
  probe({
    kube,
    namespace: "team",
    sharing: { namespace: "control" },
    log: silentLogger,
  });

describe("probe", () => {
  it("tells what the cluster has", async () => {
    const { kube } = await openKube({ kinds: [resources.workload] });
    expect(await look(kube)).toMatchObject({
      serverVersion: "v1.36.3",
      hasKueue: true,
      hasJobSet: false,
      canReadQuotas: true,
      missing: [],
    });
  });

  it("says how to install what a Run is, where the cluster does not know", async () => {
    const { kube } = await openKube();
    const bare: Kube = { ...kube, read: async () => ({ resources: [] }) };
    await expect(look(bare)).rejects.toMatchObject({
      code: "controller.no-crds",
      hint: "install them: kubectl apply -f k8s/crds",
    });
  });

  it("names every right that is missing", async () => {
    const { kube } = await openKube();
    const review: Kube["review"] = async (path, object) => {
      const answer = await kube.review<object>(path, object);
      const isDenied = /"verb":"(create|list)"/.test(JSON.stringify(object));
      return { ...answer, status: { allowed: !isDenied } } as never;
    };
    const found = await look({ ...kube, review });
    expect(found.canReadQuotas).toBe(false);
    expect(found.missing).toEqual([
      "list runs",
      "create runs",
      "list schedules",
      "list jobs",
      "create jobs",
      "list pods",
      "create events",
      "list leases",
      "create leases",
    ]);
  });

  it("asks whether it may say of a pod that it has ended, and for Leases where they are", async () => {
    const { kube } = await openKube();
    const asked: unknown[] = [];
    const review: Kube["review"] = async (path, object) => {
      const { spec } = object as { spec: { resourceAttributes: unknown } };
      asked.push(spec.resourceAttributes);
      return await kube.review(path, object);
    };
    await look({ ...kube, review });
    expect(asked).toContainEqual({
      verb: "patch",
      group: "",
      resource: "pods",
      subresource: "status",
      namespace: "team",
    });
    expect(asked).toContainEqual({
      verb: "update",
      group: "coordination.k8s.io",
      resource: "leases",
      namespace: "control",
    });
  });
});
