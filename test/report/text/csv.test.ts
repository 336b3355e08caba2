import { expect, it } from "vitest";
import { createReport } from "../../../src/report/create-report.ts";
import { renderCsv } from "../../../src/report/text/csv.ts";
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
