import { expect, test } from "vitest";
import { addRetry } from "../../src/resources/add-retry.ts";
import { controlOf } from "../../src/resources/control-of.ts";
import { annotations } from "../../src/resources/labels.ts";
import { buildRun } from "../support/run-objects.ts";

const nowMs = Date.parse("2026-01-01T12:00:00.500Z");

test.each([
  { given: undefined, task: "*", want: "*@2026-01-01T12:00:00.500Z" },
  {
    given: "a@2026-01-01T11:00:00Z, b@2026-01-01T11:00:00Z",
    task: "a",
    want: "b@2026-01-01T11:00:00Z,a@2026-01-01T12:00:00.500Z",
  },
  {
    given: "a@2026-01-01T11:00:00Z,b@2026-01-01T11:00:00Z",
    task: "*",
    want: "*@2026-01-01T12:00:00.500Z",
  },
  {
    given: "later@2026-01-01T13:00:00Z,nonsense",
    task: "*",
    want: "later@2026-01-01T13:00:00Z,nonsense,*@2026-01-01T12:00:00.500Z",
  },
])("$given with a retry of $task is $want", ({ given, task, want }) => {
  expect(addRetry(given, { task, atMs: nowMs })).toBe(want);
});

test("what is written is read as it was meant", () => {
  const retry = addRetry(
    addRetry(undefined, { task: "a-1", atMs: nowMs - 5 }),
    {
      task: "b-2",
      atMs: nowMs,
    },
  );
  const run = buildRun({ annotations: { [annotations.retry]: retry } });
  const { control, problems } = controlOf(run, { gpuHours: 0, nowMs });
  expect(problems).toEqual([]);
  expect(control.retriedAtMs).toEqual({ "a-1": nowMs - 5, "b-2": nowMs });
});
