import { expect, test } from "vitest";
import { describeChange } from "../../../src/cli/cluster/describe-change.ts";
import type { RunResourceStatus } from "../../../src/resources/run-resource.ts";
import { buildStatus } from "../../support/cluster-cli.ts";
import { buildRun } from "../../support/run-objects.ts";

const plain = (_style: string, text: string): string => text;

function change(
  before: Partial<RunResourceStatus> | null,
  after: Partial<RunResourceStatus>,
) {
  const from =
    before === null ? undefined : buildRun({ status: buildStatus(before) });
  return describeChange(from, buildRun({ status: buildStatus(after) }), plain);
}

const note = (phase: string, reason: string) => ({
  task: "train-1",
  phase,
  reason,
  attempts: 1,
});

test("at first it is said where the Run stands", () => {
  expect(change(null, {})).toEqual([
    "Running: 1 of 4 tasks done, 2 running",
    "photos 1/1 done, 1 found in the store",
  ]);
});

test("what is the same is not said again", () => {
  expect(change({}, {})).toEqual([]);
});

test("while it runs, how far it is is no news of its own", () => {
  expect(change({ reason: "1 of 4" }, { reason: "2 of 4" })).toEqual([]);
});

test("why it waits is news each time that it is another reason", () => {
  const phase = "Pending";
  expect(
    change({ phase, reason: "quota" }, { phase, reason: "no node" }),
  ).toEqual(["Pending: no node"]);
});

test("a failure and a reason to wait are said once each", () => {
  const notes = [
    note("Failed", "NaN"),
    { ...note("Pending", "no node"), task: "train-2" },
  ];
  expect(change({}, { notes })).toEqual([
    "train-1 failed: NaN",
    "train-2 waits: no node",
  ]);
  expect(change({ notes }, { notes: notes.toReversed() })).toEqual([]);
});

test("what a single task waits for is not said twice where the Run waits for it", () => {
  const notes = [note("Pending", "no node")];
  expect(change({}, { phase: "Pending", reason: "no node", notes })).toEqual([
    "Pending: no node",
  ]);
});

test("a Run without a status has nothing to tell", () => {
  expect(describeChange(undefined, buildRun(), plain)).toEqual([]);
});
