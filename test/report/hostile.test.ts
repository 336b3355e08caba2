import { describe, expect, it } from "vitest";
import { createReport } from "../../src/report/create-report.ts";
import { renderClaimsCsv, renderCsv } from "../../src/report/text/csv.ts";
import { renderHtml } from "../../src/report/html/page.ts";
import { renderLatex } from "../../src/report/text/latex.ts";
import { renderMarkdown } from "../../src/report/text/markdown.ts";
import {
  createHostileInputs,
  hostileText,
} from "../support/report-variants.ts";

const report = createReport(createHostileInputs());

describe("names that try to be code", () => {
  it("reach every section of the value as plain text", () => {
    expect(report.title).toBe(hostileText);
    expect(report.tables[0]?.rows).toContain(hostileText);
    expect(report.curves[0]?.lines[0]?.label).toBe(hostileText);
    expect(report.pictures[0]?.items[0]?.name).toBe(hostileText);
  });

  it("become text in HTML: no element, no attribute, no reference to anywhere", () => {
    const page = renderHtml(report);
    expect(page).not.toMatch(/<script|<img src=x|onerror=alert\(1\)>/);
    const elements = new Set(
      [...page.matchAll(/<([a-z][a-z0-9]*)/g)].map(([, name]) => name),
    );
    for (const name of ["script", "iframe", "a", "form", "object"])
      expect(elements).not.toContain(name);
    expect(page).not.toMatch(/(src|href)="(?!data:)/);
    expect(page).toContain("default-src &#39;none&#39;");
  });

  it("can not turn figures around in what people read", () => {
    for (const render of [renderHtml, renderMarkdown, renderLatex])
      expect(render(report)).not.toContain("\u202e");
  });

  it("can not break a Markdown table or start HTML there", () => {
    const text = renderMarkdown(report);
    const rows = text.split("\n").filter((line) => line.startsWith("|"));
    const cells = rows.map(
      (row) => row.replaceAll("\\|", "").split("|").length,
    );
    expect(new Set(cells.slice(0, 3)).size).toBe(1);
    expect(text).not.toMatch(/(?<!\\)</);
  });

  it.each([
    ["measurements", renderCsv],
    ["claims", renderClaimsCsv],
  ] as const)("can not add a column or a row to the CSV of %s", (_, render) => {
    const rows = parseCsv(render(report));
    const width = rows[0]?.length;
    for (const row of rows) expect(row).toHaveLength(width as number);
    expect(rows.flat()).toContain(hostileText);
  });

  it("can not run a command in LaTeX", () => {
    const text = renderLatex(report);
    expect(text).not.toContain("\\input");
    expect(text).toContain("\\textbackslash{}input");
  });
});

/** RFC 4180, strictly. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  const fields = /("(?:[^"]|"")*"|[^",\n]*)(,|\n|$)/gy;
  for (const [, field = "", end] of text.matchAll(fields)) {
    rows
      .at(-1)
      ?.push(
        field.startsWith('"')
          ? field.slice(1, -1).replaceAll('""', '"')
          : field,
      );
    if (end === "\n") rows.push([]);
  }
  return rows.filter((row) => row.length > 1);
}
