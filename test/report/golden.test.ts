import { describe, expect, it } from "vitest";
import { createReport } from "../../src/report/create-report.ts";
import type { ReportInputs } from "../../src/report/create-report.ts";
import { renderClaimsCsv, renderCsv } from "../../src/report/text/csv.ts";
import { renderHtml } from "../../src/report/html/page.ts";
import { renderLatex } from "../../src/report/text/latex.ts";
import { renderMarkdown } from "../../src/report/text/markdown.ts";
import { renderJson } from "../../src/report/value.ts";
import { expectGolden } from "../support/golden.ts";
import { createExampleInputs, exampleRun } from "../support/report-example.ts";
import { createMixedInputs } from "../support/report-variants.ts";

/** Every fifth row of the logs: short enough to be read in a review. */
function shorten(inputs: ReportInputs): ReportInputs {
  const curves = inputs.curves.map((log) => ({
    ...log,
    rows: log.rows.filter((_, index) => index % 5 === 0),
  }));
  return { ...inputs, curves };
}

describe.each([
  ["tiny", createExampleInputs()],
  ["mixed", createMixedInputs()],
])("the report '%s'", (name, inputs) => {
  const value = createReport(shorten(inputs));

  it.each([
    ["json", renderJson],
    ["md", renderMarkdown],
    ["csv", renderCsv],
    ["claims.csv", renderClaimsCsv],
    ["tex", renderLatex],
    ["html", renderHtml],
  ] as const)("is rendered as the golden .%s", async (extension, render) => {
    await expectGolden(`report/${name}.${extension}`, render(value));
  });
});

it("gives the same bytes for the same inputs, and a run's copy adds to them only", () => {
  const once = createReport(createExampleInputs());
  const twice = createReport(structuredClone(createExampleInputs()));
  expect(renderHtml(twice)).toBe(renderHtml(once));
  expect(renderJson(twice)).toBe(renderJson(once));
  const copy = renderHtml(once, { run: exampleRun });
  const start = copy.indexOf('<section aria-labelledby="cost">');
  const end = copy.indexOf("</section>", start) + "</section>".length;
  expect(copy.slice(0, start) + copy.slice(end).trimStart()).toBe(
    renderHtml(once),
  );
});
