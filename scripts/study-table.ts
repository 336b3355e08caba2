/**
 * `node scripts/study-table.ts STORE`: takes the verdicts of the mini studies that ran into a store (a folder) over into
 * docs/studies.md, and says which studies have not run. Of several runs of one study the report that was written last
 * counts. Reads the run's own copies of reports, so that it works on what `hueline pull` brought as well.
 */
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseReport } from "../src/report/value.ts";
import {
  renderVerdicts,
  replaceVerdicts,
  type Study,
} from "./studies/verdict-table.ts";

const PAGE = path.join("docs", "studies.md");
const PIPELINES = path.join("pipelines", "mini");

function nameOf(file: string): string {
  const text = readFileSync(path.join(PIPELINES, file), "utf8");
  return /^name: (\S+)$/m.exec(text)?.[1] ?? "";
}

/** Paths of a pipeline's reports in the store, the newest first. */
function reportsOf(store: string, pipeline: string): string[] {
  const isRun = new RegExp(`^${pipeline}-[0-9a-f]{8}$`);
  return readdirSync(path.join(store, "runs"))
    .filter((run) => isRun.test(run))
    .map((run) => path.join(store, "runs", run, "report", "report.json"))
    .flatMap((file) => {
      const facts = statSync(file, { throwIfNoEntry: false });
      return facts ? [{ file, writtenMs: facts.mtimeMs }] : [];
    })
    .toSorted((a, b) => b.writtenMs - a.writtenMs)
    .map(({ file }) => file);
}

const [store] = process.argv.slice(2);
if (store === undefined) throw new Error("usage: study-table.ts STORE");
const studies: Study[] = [];
for (const file of readdirSync(PIPELINES).toSorted()) {
  const [newest] = reportsOf(store, nameOf(file));
  if (newest === undefined) {
    process.stderr.write(`${file}: no report in ${store}\n`);
    continue;
  }
  const report = parseReport(readFileSync(newest, "utf8"), newest);
  studies.push({ name: path.basename(file, ".yaml"), report });
}
writeFileSync(
  PAGE,
  replaceVerdicts(readFileSync(PAGE, "utf8"), renderVerdicts(studies)),
);
