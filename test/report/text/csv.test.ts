import { expect, it } from "vitest";
import { createReport } from "../../../src/report/create-report.ts";
import { renderClaimsCsv, renderCsv } from "../../../src/report/text/csv.ts";
import { reportParams } from "../../../src/spec/params/params-report.ts";
import { createExampleInputs } from "../../support/report-example.ts";

const at = (stage: string, cell: Record<string, string | number>) => ({
  stage,
  cell,
  key: "00ff",
  metrics: { accuracy: 0.1 + 0.2 },
});

it("has a row per measurement, a column per axis, and every digit of the value", () => {
  const report = createReport(
    createExampleInputs({
      params: reportParams.parse({ title: "t" }),
      results: [
        at("score", { seed: 5 }),
        at("look", { metric: "hue, chroma" }),
      ],
    }),
  );
  expect(renderCsv(report)).toBe(
    [
      "stage,seed,axis_metric,metric,value,key",
      "score,5,,accuracy,0.30000000000000004,00ff",
      'look,,"hue, chroma",accuracy,0.30000000000000004,00ff',
      "",
    ].join("\n"),
  );
});

it("has a row per claim with its verdict, interval and the value of each seed", () => {
  const [header, first, second, ...rest] = renderClaimsCsv(
    createReport(createExampleInputs()),
  ).split("\n");
  expect(header).toBe(
    "claim,text,verdict,n,mean,low,high,sd,unit,values,because,source",
  );
  expect(first).toMatch(
    /^fifty labels,"With 50 .*",reproduced,3,[78][.\d]*,7\.34\d+,8\.65\d+,0\.264\d+,points,5=7\.\d+ 6=8\.\d+ 7=7\.\d+,/,
  );
  // It names no source: a claim of our own holds, and was not published for anyone to reproduce.
  expect(second).toMatch(/^ten labels,.*,holds,3,/);
  expect(rest).toEqual([""]);
});

it("leaves empty what a claim has no measurements for", () => {
  const report = createReport(createExampleInputs());
  const claims = report.claims.slice(0, 1).map((claim) => ({
    ...claim,
    sample: null,
    because: "not measured",
    source: null,
    verdict: "undecided" as const,
  }));
  const [, row] = renderClaimsCsv({ ...report, claims }).split("\n");
  expect(row).toMatch(/,undecided,0,,,,,points,,not measured,$/);
});
