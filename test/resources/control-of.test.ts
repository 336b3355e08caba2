import { describe, expect, it } from "vitest";
import { controlOf } from "../../src/resources/control-of.ts";
import { annotations } from "../../src/resources/labels.ts";
import type { RunSpec } from "../../src/resources/run-resource.ts";
import { buildRun } from "../support/run-objects.ts";

const nowMs = Date.parse("2026-02-01T12:00:00Z");

function ask(
  given: Readonly<Record<string, string>>,
  spec: Partial<RunSpec> = {},
  gpuHours = 0,
) {
  return controlOf(buildRun({ annotations: given, spec }), { gpuHours, nowMs });
}

describe("what people ask of a Run", () => {
  it("is nothing, if they have said nothing", () => {
    const run = buildRun();
    const { control, problems } = controlOf(run, { gpuHours: 3, nowMs });
    expect(control).toEqual({
      cancel: false,
      suspend: null,
      hold: null,
      retriedAtMs: {},
    });
    expect(problems).toEqual([]);
  });

  it("is a cancel, where the annotation says true", () => {
    expect(ask({ [annotations.cancel]: "true" }).control.cancel).toBe(true);
    expect(ask({ [annotations.cancel]: "false" }).control.cancel).toBe(false);
  });

  it("is no cancel, but a problem, where the annotation says something else", () => {
    const { control, problems } = ask({ [annotations.cancel]: "yes" });
    expect(control.cancel).toBe(false);
    expect(problems).toEqual([
      'annotation hueline.dev/cancel is "yes": expected true, or false',
    ]);
  });

  it("is a suspend with the way back", () => {
    expect(ask({}, { suspend: true }).control.suspend).toContain(
      "spec.suspend to false",
    );
    expect(ask({}, { suspend: false }).control.suspend).toBeNull();
  });

  it.each([
    [0, 0, true],
    [10, 9.9, false],
    [10, 10, true],
    [10, 12.34, true],
  ])("of a budget of %d, with %d used: held is %s", (gpuHours, used, want) => {
    const { hold } = ask({}, { budget: { gpuHours } }, used).control;
    expect(hold !== null).toBe(want);
  });

  it("is a retry of tasks and of all, each with its time; the newest counts", () => {
    const text =
      "*@2026-02-01T11:00:00Z, train@2026-02-01T10:00:00Z,train@2026-02-01T13:30:00+02:00";
    const { control, problems } = ask({ [annotations.retry]: text });
    expect(problems).toEqual([]);
    expect(control.retriedAtMs).toEqual({
      "*": Date.parse("2026-02-01T11:00:00Z"),
      train: Date.parse("2026-02-01T11:30:00Z"),
    });
  });

  it("is a retry only from its time on", () => {
    const soon = ask({ [annotations.retry]: "*@2026-02-01T12:00:01Z" });
    expect(soon).toMatchObject({ control: { retriedAtMs: {} }, problems: [] });
    const late = ask({ [annotations.retry]: "*@2027-02-01T12:00:00Z" });
    expect(late.control.retriedAtMs).toEqual({});
    expect(late.problems).toEqual([expect.stringContaining("in the future")]);
  });

  it.each([
    ["*", "expected NAME@TIME"],
    ["@2026-02-01T11:00:00Z", "expected NAME@TIME"],
    ["Not A Task@2026-02-01T11:00:00Z", "expected the name of a task"],
    ["*@yesterday", "expected a time"],
    ["*@2026-02-01", "expected a time"],
    ["*@2026-02-31T99:00:00Z", "expected a time"],
  ])("has a problem with the retry %s, and reads the others", (text, want) => {
    const { control, problems } = ask({
      [annotations.retry]: `${text},ok@2026-02-01T11:00:00Z`,
    });
    expect(problems).toEqual([expect.stringContaining(want)]);
    expect(Object.keys(control.retriedAtMs)).toEqual(["ok"]);
  });

  it("keeps what it says of a long list of mistakes short", () => {
    const { problems } = ask({ [annotations.retry]: "x,".repeat(5000) });
    expect(problems).toHaveLength(6);
    expect(problems.at(-1)).toBe("and 4995 more such mistakes");
  });

  it("takes no name of an object's own machinery for a task", () => {
    const text =
      "__proto__@2026-02-01T11:00:00Z,constructor@2026-02-01T11:00:00Z";
    const { control } = ask({ [annotations.retry]: text });
    expect(Object.keys(control.retriedAtMs)).toEqual(["constructor"]);
  });
});
