import { expect, it } from "vitest";
import { createReport } from "../../../src/report/create-report.ts";
import { createPalette } from "../../../src/report/html/palette.ts";
import type { ReportValue } from "../../../src/report/value.ts";
import { createExampleInputs } from "../../support/report-example.ts";

const example = createReport(createExampleInputs());

function withLines(...labels: string[]): ReportValue {
  const [curve] = example.curves;
  if (!curve) throw new Error("the example has no curve");
  const lines = labels.map((label) => ({ label, mean: [], runs: [] }));
  return { ...example, curves: [{ ...curve, lines }] };
}

it("gives an arm one colour in tables and curves, and its variants other dashes", () => {
  const palette = createPalette(
    withLines("colorization, 10", "colorization, 50", "random, 10", "other"),
  );
  expect(palette("colorization")).toBe("s0 v0");
  expect(palette("colorization, 10")).toBe("s0 v0");
  expect(palette("colorization, 50")).toBe("s0 v1");
  expect(palette("random")).toBe("s1 v0");
  expect(palette("random, 10")).toBe("s1 v0");
  expect(palette("other")).toBe("s2 v0");
});

it("gives every label its own colour where variants outnumber the dash patterns", () => {
  const palette = createPalette(withLines("a, 1", "a, 2", "a, 3", "a, 4"));
  const classes = ["a, 1", "a, 2", "a, 3", "a, 4"].map(palette);
  expect(new Set(classes).size).toBe(4);
});
