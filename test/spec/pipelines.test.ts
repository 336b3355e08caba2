/** The pipeline files of the project: each is valid, and the full-size ones have a published figure for each cell that is the authors' own. */
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { parsePipeline } from "../../src/spec/parse.ts";
import type { ReportParams } from "../../src/spec/params/params-report.ts";

const root = path.join(import.meta.dirname, "..", "..");
const files = globSync("pipelines/**/*.yaml", { cwd: root }).toSorted();

function specOf(file: string) {
  const parsed = parsePipeline(readFileSync(path.join(root, file), "utf8"));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues, null, 2));
  return parsed.spec;
}

test.each(files)("%s is valid", (file) => {
  expect(specOf(file).stages.at(-1)?.kind).toBe("report");
});

/** From the facsimiles of the paper's tables, row by row; in Table 1 the rows that are the authors' own, ImageNet's and those of k-means. */
const wantFigures: Readonly<Record<string, readonly number[]>> = {
  table1: [
    86.9, 69.5, 46.2, 23.5, 56.6, 32.6, 65.9, 38.4, 77.2, 56.0, 77.3, 60.0,
  ],
  table2: [48.0, 52.7, 52.9],
  table3: [
    [23.5, 24.6, 39.1, 6.7],
    [36.2, 40.8, 48.2, 17.4],
    [32.8, 35.1, 43.2, 8.6],
    [50.7, 52.9, 59.0, 23.3],
    [9.9, 10.5, 42.5, 8.1],
    [52.3, 53.9, 63.1, 29.6],
  ].flat(),
  table4: [
    35.1, 66.5, 62.0, 57.1, 44.4, 61.8, 59.4, 60.0, 46.1, 57.3, 59.4, 42.6,
    53.5,
  ],
  table5: [66.5, 69.5, 56.0, 55.9],
  table6: [3.6, 36.5, 60.8, 42.6, 63.1, 53.6, 64.2, 35.1, 56.0, 66.5],
};

describe("the cells of the paper", () => {
  test.each(Object.entries(wantFigures))("%s has them all", (name, want) => {
    const { stages } = specOf(`pipelines/${name}.yaml`);
    const report = stages.at(-1);
    const params = report?.variants[0]?.params as unknown as ReportParams;
    expect(params.paper.map(({ value }) => value)).toEqual(want);
  });
});
