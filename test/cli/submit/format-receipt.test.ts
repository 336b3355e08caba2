import { expect, test } from "vitest";
import { formatReceipt } from "../../../src/cli/submit/format-receipt.ts";
import type {
  PlanReceipt,
  RunSpec,
} from "../../../src/resources/run-resource.ts";
import { buildStatus } from "../../support/cluster-cli.ts";
import { buildRun } from "../../support/run-objects.ts";

const plan: PlanReceipt = {
  digest: "x",
  tasks: 40,
  cached: 10,
  shared: 2,
  peakGpus: 8,
};

function receipt(
  change: Partial<PlanReceipt>,
  spec: Partial<RunSpec> = {},
): string {
  const status = buildStatus({
    plan: { ...plan, ...change },
    store: "s3://bucket/study",
  });
  return formatReceipt(buildRun({ spec, status }), (_style, text) => text);
}

test("a receipt has all that a person agrees to", () => {
  const text = receipt(
    {
      gpuHours: "120.5",
      quota: "a task needs 8 of requests.nvidia.com/gpu, quota 'team' has 4",
    },
    { queue: "gpus", budget: { gpuHours: 100 } },
  );
  expect(text).toBe(
    [
      "team/tiny",
      "  tasks   40: 10 found in the store, 2 computed by others now, 28 to compute",
      "  GPUs    at most 8 at once, about 120.5 GPU-hours, as earlier runs took",
      "  budget  100 GPU-hours: it will not suffice",
      "  quota   a task needs 8 of requests.nvidia.com/gpu, quota 'team' has 4",
      "  queue   gpus",
      "  store   s3://bucket/study",
      "",
    ].join("\n"),
  );
});

test("hours that nobody knows are not made up", () => {
  expect(receipt({})).toContain("hours not known");
});

test("a plan that was computed before, and one without GPUs, say so", () => {
  const text = receipt({ cached: 40, shared: 0, peakGpus: 0 });
  expect(text).toContain(
    "40, all found in the store: nothing is to be computed",
  );
  expect(text).toContain("none needed");
});
