/**
 * From a file's name to a plan: reads the text, parses it, asks what lies at the places it names, expands it.
 * Mistakes end the command with 65 after all of them were shown; nothing has been started by then.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { ExitCode, systemCode, UserError } from "../base/errors.ts";
import { createPlan, placesOf } from "../plan/create-plan.ts";
import type { Plan } from "../plan/plan.ts";
import { parsePipeline } from "../spec/parse.ts";
import { renderIssues, type Issue } from "../spec/issue.ts";
import type { PipelineSpec } from "../spec/pipeline-spec.ts";
import type { Environment } from "./environment.ts";

export type PipelineFile = {
  readonly file: string;
  /** As it lies on the disk: faults of encoding are mistakes of the file too. */
  readonly bytes: Uint8Array;
  readonly text: string;
};

/** Shown by the command line as it is: the issues are already for people. */
export class InvalidPipelineError extends UserError {
  readonly issues: readonly Issue[];
  readonly file: PipelineFile;

  constructor(issues: readonly Issue[], file: PipelineFile) {
    super({
      code: "spec.invalid",
      message: renderIssues(issues, file).trimEnd(),
    });
    this.issues = issues;
    this.file = file;
  }
}

export async function readPipelineFile(
  file: string,
  environment: Environment,
): Promise<PipelineFile> {
  try {
    const bytes = await readFile(
      path.resolve(environment.currentDirectory, file),
    );
    return { file, bytes, text: bytes.toString("utf8") };
  } catch (thrown) {
    throw new UserError({
      code: "cli.no-file",
      message: `the pipeline file '${file}' cannot be read: ${systemCode(thrown) ?? String(thrown)}`,
      hint: "give the path of a YAML file, e.g. pipelines/tiny.yaml",
      cause: thrown,
    });
  }
}

/** `-p name=value` pairs as a map; the spec checks names and types. */
export function parseOverrides(
  pairs: readonly string[],
): ReadonlyMap<string, string> {
  return new Map(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at <= 0) {
        throw new UserError({
          code: "cli.param",
          message: `-p expects name=value, found '${pair}'`,
          exitCode: ExitCode.usage,
        });
      }
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** The checked spec, or an error that carries every mistake. */
export function parseOrThrow(
  file: PipelineFile,
  pairs: readonly string[],
): PipelineSpec {
  const parsed = parsePipeline(file.bytes, {
    overrides: parseOverrides(pairs),
  });
  if (!parsed.ok) throw new InvalidPipelineError(parsed.issues, file);
  return parsed.spec;
}

/** The plan of a file: its sources are fingerprinted first, since what lies there is part of every key. */
export async function loadPlan(
  environment: Environment,
  file: string,
  pairs: readonly string[],
): Promise<{ readonly plan: Plan; readonly source: PipelineFile }> {
  const source = await readPipelineFile(file, environment);
  const spec = parseOrThrow(source, pairs);
  const sources = new Map<string, string>();
  for (const place of placesOf(spec)) {
    sources.set(place.place, await environment.services.fingerprint(place));
  }
  return { plan: createPlan(spec, { sources }), source };
}
