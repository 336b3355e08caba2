import { expect, it } from "vitest";
import { createJob } from "../../../src/executor/kubernetes/create-job.ts";
import { resources } from "../../../src/kube/kube.ts";
import { annotations } from "../../../src/resources/labels.ts";
import { buildJob } from "../../support/jobs.ts";
import { openKube } from "../../support/kube.ts";

it("takes a Job of its name for its own only if it is this Run's and does the same work", async () => {
  const { kube, server } = await openKube();
  const job = buildJob(["a"]);
  const create = () => createJob(kube, job);
  expect((await create()).kind).toBe("created");
  expect((await create()).kind).toBe("created");
  const name = { name: job.metadata.name };
  const change = (metadata: object) =>
    server.change(resources.job, name, { metadata });
  change({ annotations: { [annotations.task]: "b" } });
  expect(await create()).toMatchObject({
    kind: "refused",
    reason: expect.stringContaining("does other work"),
  });
  change({ annotations: { [annotations.task]: "a" }, ownerReferences: [] });
  expect(await create()).toMatchObject({
    kind: "refused",
    reason: expect.stringContaining("not this Run's"),
  });
});
