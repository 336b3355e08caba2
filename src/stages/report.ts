/**
 * The stage `report`: reads manifests, metrics and pictures of its inputs, and writes one value in six forms.
 * Everything that decides or draws is in the room `report`; here is only reading and writing. The bytes are a pure
 * function of the inputs: no time, host or run enters them.
 */
import { StoppedError } from "../base/errors.ts";
import { createReport } from "../report/create-report.ts";
import { renderClaimsCsv, renderCsv } from "../report/text/csv.ts";
import { renderHtml } from "../report/html/page.ts";
import { renderLatex } from "../report/text/latex.ts";
import { renderMarkdown } from "../report/text/markdown.ts";
import { renderJson } from "../report/value.ts";
import type { ReportValue } from "../report/value.ts";
import { readProvenance } from "./report/_provenance.ts";
import { readPictures, readTrainingLog } from "./report/_report-inputs.ts";
import type { RunStage, StageContext } from "./stage.ts";

/** Metrics: `claims`, `claimsHolding`, `published`, `publishedReproduced`. */
export const runReport: RunStage<"report"> = async (context) => {
  const value = await gather(context);
  const files = {
    "report.json": renderJson(value),
    "report.html": renderHtml(value),
    "report.md": renderMarkdown(value),
    "report.csv": renderCsv(value),
    "claims.csv": renderClaimsCsv(value),
    "report.tex": renderLatex(value),
  };
  const encoder = new TextEncoder();
  for (const [path, text] of Object.entries(files))
    await context.output.write(path, encoder.encode(text));
  return {
    metrics: {
      claims: value.claims.length,
      claimsHolding: value.claims.filter(({ verdict }) => verdict === "holds")
        .length,
      published: value.published.length,
      publishedReproduced: value.published.filter(
        ({ verdict }) => verdict === "reproduced",
      ).length,
    },
  };
};

async function gather(context: StageContext<"report">): Promise<ReportValue> {
  const { params, store, signal } = context;
  const results = context.inputs["results"] ?? [];
  const curves = context.inputs["curves"] ?? [];
  const total = results.length + curves.length;
  let read = 0;
  // One after the other: the files are small, and memory holds one artifact's worth at a time.
  const each = async <A, R>(
    items: readonly A[],
    map: (item: A) => Promise<R>,
  ) => {
    const found: NonNullable<R>[] = [];
    for (const item of items) {
      if (signal.aborted)
        throw new StoppedError("stopped while reading results");
      const result = await map(item);
      if (result !== null && result !== undefined) found.push(result);
      context.progress({
        step: ++read,
        steps: total,
        detail: "reading results",
      });
    }
    return found;
  };
  const logs = await each(curves, (artifact) =>
    readTrainingLog(store, artifact),
  );
  const pictures = await each(results, (artifact) =>
    readPictures(store, artifact, params.names),
  );
  const provenance = await readProvenance(store, [...results, ...curves]);
  const withoutLog = curves.length - logs.length;
  return createReport({
    params,
    results: results.map(({ stage, cell, key, manifest }) => ({
      stage,
      cell,
      key,
      metrics: manifest.metrics,
    })),
    curves: logs,
    pictures,
    artifacts: provenance.artifacts,
    leftOut: [
      ...provenance.leftOut,
      ...(withoutLog > 0
        ? [
            {
              what: "training stages without learning curves",
              count: withoutLog,
            },
          ]
        : []),
    ],
  });
}
