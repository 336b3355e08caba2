/** Schedules of a namespace, by name. */
import { ExitCode, UserError } from "../../base/errors.ts";
import { resources, type Kube } from "../../kube/kube.ts";
import type { Schedule } from "../../resources/schedule-resource.ts";

/** Throws `schedule.unknown` (UserError), or `cli.option` where none is named. */
export async function findSchedule(
  kube: Kube,
  name: string | undefined,
): Promise<Schedule> {
  const { namespace, server } = kube;
  if (name === undefined)
    throw new UserError({
      code: "cli.option",
      message: "expected the name of a Schedule",
      hint: "`hueline schedule ls` lists them",
      exitCode: ExitCode.usage,
    });
  const found = await kube.get<Schedule>(resources.schedule, {
    namespace,
    name,
  });
  if (found !== null) return found;
  // Also finds out whether the cluster knows Schedules at all.
  const names = (await listSchedules(kube)).map(
    ({ metadata }) => metadata.name,
  );
  throw new UserError({
    code: "schedule.unknown",
    message: `there is no Schedule '${name}' in namespace '${namespace}' of ${server}`,
    hint:
      names.length === 0
        ? "there is none at all: `hueline schedule create NAME FILE --cron …` makes one"
        : `there are: ${names.slice(0, 10).join(", ")}`,
  });
}

/** By name. */
export async function listSchedules(kube: Kube): Promise<readonly Schedule[]> {
  const { namespace } = kube;
  const { items } = await kube.list<Schedule>(resources.schedule, {
    namespace,
  });
  return items.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}
