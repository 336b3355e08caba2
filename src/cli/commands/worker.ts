/** `hueline worker`: runs one task, named or by its place in a pack; what executors start, locally and in a container. */
import { ExitCode, UserError } from "../../base/errors.ts";
import type { Environment } from "../environment.ts";
import { durationOption } from "../unit-options.ts";

export async function worker(
  environment: Environment,
  _args: readonly string[],
  options: {
    readonly store?: string;
    readonly run: string;
    readonly task?: string;
    readonly pack?: string;
    readonly index?: number;
    readonly detached?: boolean;
    readonly logToStore?: boolean;
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
    task: taskOf(options),
    isDetached: options.detached ?? false,
    logsToStore: options.logToStore ?? false,
    graceMs: durationOption("--grace", options.grace),
  });
}

function taskOf({
  task,
  pack,
  index,
}: {
  readonly task?: string;
  readonly pack?: string;
  readonly index?: number;
}): string | { readonly pack: string; readonly index: number } {
  if (task !== undefined && pack === undefined && index === undefined)
    return task;
  if (task === undefined && pack !== undefined && index !== undefined)
    return { pack, index };
  throw new UserError({
    code: "cli.option",
    message: "a worker is told its task by --task, or by --pack and --index",
    exitCode: ExitCode.usage,
  });
}
