import { expect, test } from "vitest";
import {
  closeSpan,
  encodeMetrics,
  metricsStart,
  recordRow,
  recordStep,
  rowEverySteps,
} from "../../src/train/metrics.ts";

const record = (values: readonly number[], every: number, start = 1) =>
  values.reduce(
    (state, loss, i) => recordStep(state, start + i, { loss }, every),
    metricsStart,
  );

test("the first step has a row of its own, later rows are means over their span", () => {
  const { rows } = record([9, 1, 2, 3, 5, 7, 100], 3);
  expect(rows).toEqual([
    { step: 1, name: "loss", value: 9 },
    { step: 3, name: "loss", value: 1.5 },
    { step: 6, name: "loss", value: 5 },
  ]);
});

test("a span that is closed early has a mean of the steps that it has, and an empty one no row", () => {
  const closed = closeSpan(record([9, 1, 2, 3, 5], 3), 5);
  expect(closed).toEqual({
    rows: [
      { step: 1, name: "loss", value: 9 },
      { step: 3, name: "loss", value: 1.5 },
      { step: 5, name: "loss", value: 4 },
    ],
    sums: {},
    count: 0,
  });
  expect(closeSpan(closed, 5)).toEqual(closed);
});

test("state that went through JSON in the middle of a span gives the same rows", () => {
  const values = Array.from({ length: 50 }, (_, i) => Math.sin(i) / 3);
  let state = metricsStart;
  values.forEach((loss, i) => {
    state = recordStep(state, i + 1, { loss, other: loss / 7 }, 8);
    state = JSON.parse(JSON.stringify(state)) as typeof state;
  });
  const straight = values.reduce(
    (sum, loss, i) => recordStep(sum, i + 1, { loss, other: loss / 7 }, 8),
    metricsStart,
  );
  expect(state).toEqual(straight);
});

test("a curve has about fifty rows", () => {
  expect(rowEverySteps(3000)).toBe(60);
  expect(rowEverySteps(100)).toBe(2);
  expect(rowEverySteps(7)).toBe(1);
});

test("metrics.jsonl has one JSON object a line", () => {
  const state = recordRow(record([1], 1), {
    step: 1,
    name: "validation-accuracy",
    value: 0.25,
  });
  expect(new TextDecoder().decode(encodeMetrics(state.rows))).toBe(
    '{"step":1,"name":"loss","value":1}\n' +
      '{"step":1,"name":"validation-accuracy","value":0.25}\n',
  );
});
