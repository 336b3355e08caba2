/**
 * How a pipeline file gets into a Run: as it is, or, where it is too large for an object of the API server, by way of
 * the store, under the hash of its bytes. The same file is there once, however often it is submitted.
 */
import { createHash } from "node:crypto";
import { ExitCode, UserError } from "../../base/errors.ts";
import type { RunSpec } from "../../resources/run-resource.ts";
import { layout } from "../../store/layout.ts";
import type { Environment } from "../environment.ts";
import type { PipelineFile } from "../load-pipeline.ts";
import { formatBytes } from "../output.ts";
import { openStoreOption } from "../store-option.ts";

const MAX_BYTES = 256 * 1024;

type PipelineField = Pick<RunSpec, "pipeline" | "pipelineFrom">;

/** @param options.isKept false: nothing is written, as in a dry run. */
export async function toPipelineField(
  { file, bytes, text }: PipelineFile,
  options: {
    readonly storeUrl: string | undefined;
    readonly isKept: boolean;
    readonly environment: Environment;
  },
): Promise<PipelineField> {
  if (bytes.byteLength <= MAX_BYTES) return { pipeline: text };
  const { storeUrl, isKept, environment } = options;
  if (storeUrl === undefined)
    throw new UserError({
      code: "submit.too-large",
      message: `${file} has ${formatBytes(bytes.byteLength)}, and a Run holds ${formatBytes(MAX_BYTES)}: the file must go by way of the store`,
      hint: "name the Run's store with --store s3://bucket/prefix, with credentials that may write there",
      exitCode: ExitCode.usage,
    });
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const path = layout.submittedPipeline(sha256);
  if (isKept)
    await openStoreOption(storeUrl, environment).putIfAbsent(path, bytes);
  return { pipelineFrom: { path, sha256 } };
}
