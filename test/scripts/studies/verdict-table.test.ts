import { describe, expect, it } from "vitest";
import {
  renderVerdicts,
  replaceVerdicts,
} from "../../../scripts/studies/verdict-table.ts";
import { createReport } from "../../../src/report/create-report.ts";
import { createExampleInputs } from "../../support/report-example.ts";

const report = createReport(createExampleInputs());
const withClaims = (...names: string[]) => ({
  ...report,
  claims: names.map((name) => ({ ...report.claims[0]!, name })),
});

describe("the table of the studies", () => {
  it("has figure, interval, n and verdict of a claim in the report's own words", () => {
    const [, , row] = renderVerdicts([
      { name: "tiny", report: withClaims("C1, few | labels") },
    ]).split("\n");
    expect(row).toBe(
      "| C1, few \\| labels | `tiny` | With 50 labels per class, colorization beats random initialization. | +8.0 points | +7.3 to +8.7 | 3 | **reproduced** | mean at least 4.0 points; every seed above 2.0 points |",
    );
  });

  it("stands by the claims' numbers, then by studies; what has no number stands last", () => {
    const table = renderVerdicts([
      { name: "b", report: withClaims("C10", "C2", "other") },
      { name: "a", report: withClaims("C2, more") },
    ]);
    const names = table.split("\n").map((row) => row.split(" | ")[0]);
    expect(names.slice(2)).toEqual(["| C2, more", "| C2", "| C10", "| other"]);
  });

  it("says of a claim without measurements that there are none", () => {
    const claims = report.claims.slice(0, 1).map((claim) => ({
      ...claim,
      sample: null,
      verdict: "undecided" as const,
    }));
    const table = renderVerdicts([
      { name: "x", report: { ...report, claims } },
    ]);
    expect(table).toContain("| – | – | 0 | **undecided** |");
  });

  it("goes between the page's marks and leaves the rest", () => {
    const page =
      "before\n<!-- verdicts: begin -->\n\nold\n\n<!-- verdicts: end -->\nafter\n";
    expect(replaceVerdicts(page, "new")).toBe(
      "before\n<!-- verdicts: begin -->\n\nnew\n\n<!-- verdicts: end -->\nafter\n",
    );
    expect(() => replaceVerdicts("no marks", "new")).toThrow("verdicts: begin");
  });
});
