/** Specs and plans from pipeline text, for tests: what does not parse fails the test with all of its issues. */
import { createPlan, placesOf } from "../../src/plan/create-plan.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { renderIssues } from "../../src/spec/issue.ts";
import { parsePipeline, type ParseOptions } from "../../src/spec/parse.ts";
import type { PipelineSpec } from "../../src/spec/pipeline-spec.ts";

export function specOf(text: string, options: ParseOptions = {}): PipelineSpec {
  const parsed = parsePipeline(text, options);
  if (parsed.ok) return parsed.spec;
  throw new Error(renderIssues(parsed.issues, { file: "pipeline.yaml", text }));
}

/** The plan of a text whose sources all have the fingerprint `<place>@1`. */
export function planOf(text: string, options: ParseOptions = {}): Plan {
  const spec = specOf(text, options);
  const sources = new Map(
    placesOf(spec).map(({ place }) => [place, `${place}@1`]),
  );
  return createPlan(spec, { sources });
}

/** `code line:column` of every issue of a text; empty if it parses. */
export function issuesOf(text: string, options: ParseOptions = {}): string[] {
  const parsed = parsePipeline(text, options);
  return parsed.ok
    ? []
    : parsed.issues.map(
        ({ code, line, column }) => `${code} ${line}:${column}`,
      );
}
