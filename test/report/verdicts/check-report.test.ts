import { describe, expect, it } from "vitest";
import { checkReport } from "../../../src/report/verdicts/check-report.ts";
import { createReport } from "../../../src/report/create-report.ts";
import { summarizeClaims } from "../../../src/report/summary.ts";
import type { Published, ReportValue } from "../../../src/report/value.ts";
import { createExampleInputs } from "../../support/report-example.ts";

const report = createReport(createExampleInputs());

function withVerdicts(...verdicts: ("holds" | "fails" | "undecided")[]) {
  const [claim] = report.claims;
  if (!claim) throw new Error("the example has no claim");
  return verdicts.map((verdict) => ({ ...claim, verdict }));
}

function publishedWith(verdict: Published["verdict"]): ReportValue {
  const cell: Published = {
    label: "ours",
    source: "Table 2",
    metric: "miou",
    unit: "%",
    digits: 1,
    value: 52.9,
    plusMinus: null,
    margin: 1,
    higherIsBetter: true,
    ours: null,
    verdict,
    because: "said so",
  };
  return { ...report, claims: [], published: [cell] };
}

describe("checkReport", () => {
  it("passes if every claim holds", () => {
    expect(checkReport(report)).toEqual({ ok: true, failed: [] });
  });

  it.each(["fails", "undecided"] as const)(
    "does not pass a claim that %s, and says why",
    (verdict) => {
      const claims = withVerdicts("holds", verdict);
      const check = checkReport({ ...report, claims });
      expect(check.ok).toBe(false);
      expect(check.failed).toEqual([
        { name: "fifty labels", verdict, because: claims[1]?.because },
      ]);
    },
  );

  it.each([
    ["reproduced", true],
    ["better", true],
    ["worse", false],
    ["undecided", false],
  ] as const)("a published cell that is %s passes: %s", (verdict, want) => {
    expect(checkReport(publishedWith(verdict)).ok).toBe(want);
  });
});

describe("summarizeClaims", () => {
  it.each([
    [[], "No claims"],
    [["holds"], "The claim holds"],
    [["fails"], "The claim does not hold"],
    [["undecided"], "The claim is undecided"],
    [["holds", "holds"], "Both claims hold"],
    [["holds", "holds", "holds"], "All 3 claims hold"],
    [["holds", "fails", "undecided"], "1 of 3 claims holds, 1 is undecided"],
    [
      ["fails", "undecided", "undecided"],
      "0 of 3 claims hold, 2 are undecided",
    ],
  ] as const)("%j: %s", (verdicts, want) => {
    expect(summarizeClaims(withVerdicts(...verdicts))).toBe(want);
  });
});
