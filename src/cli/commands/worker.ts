/** `hueline worker`: runs one task; what executors start, locally and in a container. */
import { ExitCode, UserError } from "../../base/errors.ts";
import type { Environment } from "../environment.ts";
import { durationOption } from "../unit-options.ts";

export async function worker(
  environment: Environment,
  _args: readonly string[],
  options: {
    readonly store?: string;
    readonly run: string;
    readonly task: string;
    readonly grace: string;
  },
): Promise<ExitCode> {
  if (options.store === undefined) {
    throw new UserError({
      code: "cli.no-store",
      message: "a worker needs to be told its store",
      hint: "hueline worker --store URL --run RUN --task TASK, or set HUELINE_STORE",
      exitCode: ExitCode.usage,
    });
  }
  return await environment.services.worker({
    storeUrl: options.store,
    run: options.run,
    task: options.task,
    graceMs: durationOption("--grace", options.grace),
  });
}
