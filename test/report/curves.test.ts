import { describe, expect, it } from "vitest";
import { createCurve } from "../../src/report/curves.ts";
import type { TrainingLog } from "../../src/report/curves.ts";
import { reportParams } from "../../src/spec/params/params-report.ts";

const curveOf = (params: object) => {
  const { curves } = reportParams.parse({
    title: "t",
    curves: [{ title: "C", metric: "loss", ...params }],
  });
  const [curve] = curves;
  if (!curve) throw new Error("no curve was parsed");
  return curve;
};

/** A log of `name` whose value is a function of the step. */
function logOf(
  cell: TrainingLog["cell"],
  steps: readonly number[],
  value: (step: number) => number,
): TrainingLog {
  const rows = steps.map((step) => ({
    step,
    name: "loss",
    value: value(step),
  }));
  return { stage: "finetune", cell, rows };
}

const range = (count: number, every = 1) =>
  Array.from({ length: count }, (_, index) => (index + 1) * every);

describe("createCurve", () => {
  it("averages the runs of a line step by step and keeps each run", () => {
    const logs = [
      logOf({ seed: 6 }, [10, 20], () => 4),
      logOf({ seed: 5 }, [10, 20], () => 2),
    ];
    const curve = createCurve(curveOf({}), logs, {});
    expect(curve?.lines).toEqual([
      {
        label: "finetune",
        mean: [
          [10, 3],
          [20, 3],
        ],
        runs: [
          {
            at: "6",
            points: [
              [10, 4],
              [20, 4],
            ],
          },
          {
            at: "5",
            points: [
              [10, 2],
              [20, 2],
            ],
          },
        ],
      },
    ]);
    expect(curve?.thinning).toBe(1);
  });

  it("ends the mean where the first run ends, so that stopping early does not bend it", () => {
    const logs = [
      logOf({ seed: 5 }, [1, 2, 3], (step) => step),
      logOf({ seed: 6 }, [1, 2], (step) => step + 10),
    ];
    const [line] = createCurve(curveOf({}), logs, {})?.lines ?? [];
    expect(line?.mean).toEqual([
      [1, 6],
      [2, 7],
    ]);
    expect(line?.runs[0]?.points).toHaveLength(3);
  });

  it("thins a long log by the means of equal blocks, the same for all runs", () => {
    const logs = [
      logOf({ seed: 5 }, range(1200), (step) => step),
      logOf({ seed: 6 }, range(1200), (step) => step),
    ];
    const curve = createCurve(curveOf({}), logs, {});
    expect(curve?.thinning).toBe(10);
    const mean = curve?.lines[0]?.mean ?? [];
    expect(mean).toHaveLength(120);
    expect(mean[0]).toEqual([10, 5.5]);
    expect(mean.at(-1)).toEqual([1200, 1195.5]);
  });

  it("draws a line per value of its axes, by their print names", () => {
    const logs = ["a", "b"].map((arm) => logOf({ arm, seed: 5 }, [1], () => 1));
    const curve = createCurve(curveOf({ lines: "arm" }), logs, {
      "arm=a": "first arm",
    });
    expect(curve?.lines.map(({ label }) => label)).toEqual(["first arm", "b"]);
  });

  it("scales values and sorts steps that were logged out of order", () => {
    const logs = [logOf({}, [3, 1, 2], (step) => step)];
    const curve = createCurve(curveOf({ scale: 100 }), logs, {});
    expect(curve?.lines[0]?.mean).toEqual([
      [1, 100],
      [2, 200],
      [3, 300],
    ]);
  });

  it("is null where nothing that is selected logged the metric", () => {
    const logs = [logOf({ arm: "a" }, [1], () => 1)];
    expect(createCurve(curveOf({ where: { arm: "b" } }), logs, {})).toBeNull();
    expect(createCurve(curveOf({ metric: "accuracy" }), logs, {})).toBeNull();
  });
});
