import { expect, it } from "vitest";
import { createReport } from "../../src/report/create-report.ts";
import { renderHtml } from "../../src/report/html/page.ts";
import { createStageCosts } from "../../src/report/run-facts.ts";
import { createExampleInputs, exampleRun } from "../support/report-example.ts";

const task = (stage: string, wallMs: number, isCached = false) => ({
  stage,
  kind: "evaluate",
  isCached,
  wallMs,
  cpuMs: wallMs * 2,
  peakMemoryBytes: wallMs * 1000,
  resumedAtStep: null,
  reading: null,
});

it("sums time over the tasks of a stage, takes the largest memory and counts what was cached", () => {
  const costs = createStageCosts([
    task("b", 1),
    task("a", 5),
    task("b", 3, true),
  ]);
  expect(costs).toEqual([
    {
      stage: "b",
      kind: "evaluate",
      tasks: 2,
      cached: 1,
      wallMs: 4,
      cpuMs: 8,
      peakMemoryBytes: 3000,
      resumedAtSteps: [],
      reading: null,
    },
    {
      stage: "a",
      kind: "evaluate",
      tasks: 1,
      cached: 0,
      wallMs: 5,
      cpuMs: 10,
      peakMemoryBytes: 5000,
      resumedAtSteps: [],
      reading: null,
    },
  ]);
});

const reading = (waitedMs: number, waitedFor: "storage" | "decode") => ({
  images: 640,
  bytesFetched: 2 ** 20,
  requests: 2,
  waitedMs,
  wallMs: 1000,
  waitedFor,
});

it("says how images came to a training, and for what those of a stage waited longest", () => {
  const stages = createStageCosts([
    { ...task("pretrain", 1000), reading: reading(20, "storage") },
    { ...task("pretrain", 1000), reading: reading(300, "decode") },
    task("classify", 1000),
  ]);
  expect(stages[0]?.reading).toMatchObject({ images: 1280, waitedMs: 320 });
  const report = createReport(createExampleInputs());
  const page = renderHtml(report, { run: { ...exampleRun, stages } });
  expect(page).toContain("Where the time went");
  expect(page).toContain(
    "1280 images from 2 MiB in 4 requests; 16 % of its time was waiting for images to be decoded",
  );
  expect(page).not.toMatch(/<b>classify<\/b>:/);
  expect(renderHtml(report, { run: exampleRun })).not.toContain(
    "Where the time went",
  );
});

it("says of which tasks the times are those since a checkpoint", () => {
  const stages = createStageCosts([
    { ...task("pretrain", 1000), resumedAtStep: 600 },
    { ...task("pretrain", 1000), resumedAtStep: 200 },
    task("pretrain", 1000),
    { ...task("finetune", 1000), resumedAtStep: 50 },
  ]);
  const report = createReport(createExampleInputs());
  const page = renderHtml(report, { run: { ...exampleRun, stages } });
  expect(page).toContain(
    "<b>pretrain</b>: 2 of 3 tasks went on from a checkpoint (step 200, 600); time and images are those since then",
  );
  expect(page).toContain(
    "<b>finetune</b>: it went on from a checkpoint (step 50)",
  );
});

it("shows time and cost in the copy of a run, and nowhere in the artifact", () => {
  const report = createReport(createExampleInputs());
  const copy = renderHtml(report, { run: exampleRun });
  expect(copy).toContain("Time and cost");
  expect(copy).toContain(exampleRun.run);
  expect(copy).toContain("2030-01-02 03:04 UTC");
  expect(renderHtml(report)).not.toContain("Time and cost");
});
