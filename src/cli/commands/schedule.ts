/** `hueline schedule`: Runs at moments of a clock. */
import { ExitCode, UserError } from "../../base/errors.ts";
import type { Kube } from "../../kube/kube.ts";
import type { ClusterOptions } from "../cluster/cluster-options.ts";
import { withCluster } from "../cluster/open-cluster.ts";
import type { Environment } from "../environment.ts";
import {
  backfillSchedule,
  deleteSchedule,
  resumeSchedule,
  suspendSchedule,
  triggerSchedule,
  type ChangeOptions,
  type ChangeRequest,
} from "../schedule/change-schedule.ts";
import {
  createSchedule,
  type CreateOptions,
} from "../schedule/create-schedule.ts";
import { findSchedule } from "../schedule/find-schedule.ts";
import { showSchedule, showSchedules } from "../schedule/show-schedule.ts";

type Options = ClusterOptions & CreateOptions & ChangeOptions;

type Request = {
  readonly kube: Kube;
  readonly name: string | undefined;
  readonly file: string | undefined;
  readonly environment: Environment;
  readonly options: Options;
};

type Action = (request: Request) => Promise<number>;

/** Of one that is there. */
const one =
  (act: (request: ChangeRequest) => Promise<number>): Action =>
  async ({ kube, name, environment, options }) => {
    const schedule = await findSchedule(kube, name);
    return await act({ kube, schedule, environment, options });
  };

const actions: Readonly<Record<string, Action>> = {
  create: createSchedule,
  ls: showSchedules,
  show: one(showSchedule),
  suspend: one(suspendSchedule),
  resume: one(resumeSchedule),
  trigger: one(triggerSchedule),
  backfill: one(backfillSchedule),
  delete: one(deleteSchedule),
};

export async function schedule(
  environment: Environment,
  [action = "", name, file]: readonly string[],
  options: Options,
): Promise<number> {
  const act = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (act === undefined)
    throw new UserError({
      code: "cli.option",
      message: `expected one of ${Object.keys(actions).join(", ")}, found '${action}'`,
      exitCode: ExitCode.usage,
    });
  return await withCluster(environment, options, (kube) =>
    act({ kube, name, file, environment, options }),
  );
}
