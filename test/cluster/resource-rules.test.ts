/** The rules of the CRDs, which are in CEL and which only a server can apply: what is refused, and with which words. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunSpec } from "../../src/resources/run-resource.ts";
import type { ScheduleSpec } from "../../src/resources/schedule-resource.ts";
import {
  asWritten,
  installCrds,
  openKubectl,
  type Kubectl,
} from "../support/kubectl.ts";
import { buildRun } from "../support/run-objects.ts";
import { buildSchedule } from "../support/schedule-world.ts";

const dryRun = "--dry-run=server";

describe("the rules of the CRDs", () => {
  let kubectl: Kubectl;

  beforeAll(async () => {
    kubectl = await openKubectl();
    await installCrds(kubectl);
  });
  afterAll(() => kubectl.close());

  const run = (spec: Partial<RunSpec>, name = "tiny") =>
    asWritten(buildRun({ name, spec }));
  const schedule = (spec: Partial<ScheduleSpec>) =>
    asWritten(buildSchedule(spec));

  test.each<[string, Partial<RunSpec>, string]>([
    [
      "two sources of the pipeline",
      { pipelineFrom: { path: "p.yaml", sha256: "0".repeat(64) } },
      "one of pipeline and pipelineFrom is needed",
    ],
    [
      "a queue beside parallelism",
      { queue: "q", parallelism: 2 },
      "parallelism and queue exclude each other",
    ],
    [
      "a negative budget",
      { budget: { gpuHours: -1 } },
      "greater than or equal",
    ],
    ["no task at once", { parallelism: 0 }, "spec.parallelism"],
    [
      "a credential in env",
      { pods: { env: { AWS_SECRET_ACCESS_KEY: "x" } } },
      "put credentials into a Secret",
    ],
    [
      "a variable of ours in env",
      { pods: { env: { HUELINE_STORE: "x" } } },
      "do not begin with HUELINE_",
    ],
    ["a scratch volume of no size", { pods: { scratch: "much" } }, "scratch"],
    ["a GPU without a domain", { pods: { gpuResource: "gpu" } }, "gpuResource"],
    [
      "a label that is none",
      { pods: { nodeSelector: { "a b": "c" } } },
      "names of labels",
    ],
    ["a store that is none", { store: "https://example.com" }, "spec.store"],
  ])("a Run with %s is refused", async (_, spec, want) => {
    const said = await kubectl.refusal(kubectl.apply(run(spec), dryRun));
    expect(said).toContain(want);
  });

  test("a Run's name has room for what is made of it", async () => {
    await kubectl.apply(run({}, "n".repeat(52)), dryRun);
    for (const name of ["n".repeat(53), "with.dot"])
      expect(
        await kubectl.refusal(kubectl.apply(run({}, name), dryRun)),
      ).toContain("at most 52 characters and no dot");
  });

  test("an unknown field is refused by its name", async () => {
    const typo = { paralelism: 3 } as Partial<RunSpec>;
    const said = await kubectl.refusal(kubectl.apply(run(typo), dryRun));
    expect(said).toContain('unknown field "spec.paralelism"');
  });

  test("what a Run computes cannot be changed, how it is driven can", async () => {
    await kubectl.apply(run({ params: { a: "1" } }, "frozen"));
    const patch = (spec: object) =>
      kubectl.run(
        "patch",
        "run",
        "frozen",
        "--type=merge",
        "-p",
        JSON.stringify({ spec }),
      );
    const changes: Partial<RunSpec>[] = [
      { pipeline: "name: other" },
      { params: { a: "2" } },
      { store: "s3://other/store" },
      { pods: { image: "other" } },
      { queue: "other" },
    ];
    for (const change of changes)
      expect(await kubectl.refusal(patch(change))).toContain(
        `spec.${Object.keys(change).join("")}: Forbidden`,
      );
    expect(await kubectl.refusal(patch({ params: null }))).toContain(
      "params cannot be changed",
    );
    await patch({
      suspend: true,
      parallelism: 3,
      priority: "high",
      budget: { gpuHours: 2.5 },
      ttlSecondsAfterFinished: 60,
    });
    await patch({ parallelism: null, suspend: null, budget: null });
  });

  test.each<[string, Partial<ScheduleSpec>, string]>([
    ["six fields", { schedule: "* * * * * *" }, "five fields of cron"],
    ["a moment of reading", { schedule: "? * * * *" }, "five fields of cron"],
    ["a place without time", { timeZone: "Mars/Olympus" }, "Mars/Olympus"],
    [
      "a range that ends before it begins",
      {
        backfill: { from: "2026-02-01T00:00:00Z", to: "2026-01-01T00:00:00Z" },
      },
      "from must be before to",
    ],
    [
      "a Run without a pipeline",
      { run: { spec: { store: "s3://some/store" } } },
      "one of pipeline and pipelineFrom is needed",
    ],
  ])("a Schedule with %s is refused", async (_, spec, want) => {
    const said = await kubectl.refusal(kubectl.apply(schedule(spec), dryRun));
    expect(said).toContain(want);
  });
});
