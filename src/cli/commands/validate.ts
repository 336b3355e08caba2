/** `hueline validate`: every mistake of a pipeline file at once; 0 or 65. */
import { ExitCode } from "../../base/errors.ts";
import { renderIssues } from "../../spec/issue.ts";
import { parsePipeline } from "../../spec/parse.ts";
import type { Environment } from "../environment.ts";
import { parseOverrides, readPipelineFile } from "../load-pipeline.ts";
import { printJson, type OutputFormat } from "../output.ts";

export async function validate(
  environment: Environment,
  [file = ""]: readonly string[],
  options: { readonly param: readonly string[]; readonly output: OutputFormat },
): Promise<ExitCode> {
  const source = await readPipelineFile(file, environment);
  const parsed = parsePipeline(source.bytes, {
    overrides: parseOverrides(options.param),
  });
  const issues = parsed.ok ? [] : parsed.issues;
  if (options.output === "json")
    printJson(environment.stdout, { file, valid: parsed.ok, issues });
  else if (parsed.ok)
    environment.stdout.write(
      `${file} is valid: ${parsed.spec.stages.length} stages\n`,
    );
  else environment.stdout.write(renderIssues(issues, source));
  return parsed.ok ? ExitCode.done : ExitCode.data;
}
