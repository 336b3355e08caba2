/**
 * How a pipeline file gets into a Run: as it is, or, where it is too large for an object of the API server, by way of
 * the store, under the hash of its bytes. The same file is there once, however often it is submitted.
 */
import { ExitCode, UserError } from "../../base/errors.ts";
import type { RunSpec } from "../../resources/run-resource.ts";
import { createLiveness, readOwner } from "../../store/claims/owner.ts";
import {
  keepPipeline,
  locatePipeline,
} from "../../store/submitted-pipelines.ts";
import type { Environment } from "../environment.ts";
import type { PipelineFile } from "../load-pipeline.ts";
import { formatBytes } from "../output.ts";
import { openStoreOption } from "../store-option.ts";

const MAX_BYTES = 256 * 1024;

type PipelineField = Pick<RunSpec, "pipeline" | "pipelineFrom">;

/**
 * @param options.isKept false: nothing is written, as in a dry run.
 * @param options.pinnedFor why `gc` keeps the file whatever its age; null: until the Run is planned.
 */
export async function toPipelineField(
  { file, bytes, text }: PipelineFile,
  options: {
    readonly storeUrl: string | undefined;
    readonly isKept: boolean;
    readonly pinnedFor: string | null;
    readonly environment: Environment;
  },
): Promise<PipelineField> {
  if (bytes.byteLength <= MAX_BYTES) return { pipeline: text };
  const { storeUrl, isKept, pinnedFor, environment } = options;
  if (storeUrl === undefined)
    throw new UserError({
      code: "submit.too-large",
      message: `${file} has ${formatBytes(bytes.byteLength)}, and a Run holds ${formatBytes(MAX_BYTES)}: the file must go by way of the store`,
      hint: "name the Run's store with --store s3://bucket/prefix, with credentials that may write there",
      exitCode: ExitCode.usage,
    });
  if (!isKept) return { pipelineFrom: locatePipeline(bytes) };
  const { clock, host, log, signal } = environment;
  const process = { host: host.name, pid: host.pid };
  const store = openStoreOption(storeUrl, environment);
  const pipelineFrom = await keepPipeline(store, bytes, {
    clock,
    log,
    signal,
    pinnedFor,
    owner: await readOwner({ ...process, run: "submit", task: file }),
    isOwnerAlive: createLiveness({ host: host.name }),
  });
  return { pipelineFrom };
}
