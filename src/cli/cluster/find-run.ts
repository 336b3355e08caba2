/** Runs of a cluster as people name them: by name, by the beginning of only one, or by the id that one has in the store. */
import { UserError } from "../../base/errors.ts";
import { resources, type Kube } from "../../kube/kube.ts";
import type { Run } from "../../resources/run-resource.ts";
import { storeRunOf } from "../../resources/store-run.ts";

const SHOWN = 5;

/** Throws `run.none`, `run.unknown` or `run.ambiguous` (UserError). */
export async function findClusterRun(kube: Kube, given: string): Promise<Run> {
  const { namespace } = kube;
  const named = await kube.get<Run>(resources.run, { namespace, name: given });
  if (named !== null) return named;
  const runs = await listClusterRuns(kube);
  const ofStore = runs.find((run) => storeRunOf(run) === given);
  const matches = runs.filter(({ metadata }) =>
    metadata.name.startsWith(given),
  );
  const found = ofStore ?? (matches.length === 1 ? matches[0] : undefined);
  if (found !== undefined) return found;
  throw notFound(kube, given, { runs, matches });
}

/** Those of the namespace, newest first. */
export async function listClusterRuns(kube: Kube): Promise<readonly Run[]> {
  const { namespace } = kube;
  const { items } = await kube.list<Run>(resources.run, { namespace });
  return items.toSorted(byAge);
}

export function byAge({ metadata: a }: Run, { metadata: b }: Run): number {
  const [atA = "", atB = ""] = [a.creationTimestamp, b.creationTimestamp];
  if (atA !== atB) return atA < atB ? 1 : -1;
  return a.name < b.name ? -1 : 1;
}

function notFound(
  { namespace, server }: Kube,
  given: string,
  seen: { readonly runs: readonly Run[]; readonly matches: readonly Run[] },
): UserError {
  const { runs, matches } = seen;
  const where = `namespace '${namespace}' of ${server}`;
  if (runs.length === 0)
    return new UserError({
      code: "run.none",
      message: `there is no Run in ${where}`,
      hint: "start one with `hueline submit FILE`, or choose another namespace with --namespace",
    });
  const shown = matches.length > 0 ? matches : runs;
  const names = shown.slice(0, SHOWN).map(({ metadata }) => metadata.name);
  const list = `${names.join(", ")}${shown.length > SHOWN ? ", …" : ""}`;
  return new UserError({
    code: matches.length > 0 ? "run.ambiguous" : "run.unknown",
    message:
      matches.length > 0
        ? `'${given}' is the beginning of ${matches.length} Runs: ${list}`
        : `there is no Run '${given}' in ${where}; the newest are ${list}`,
    hint: "`hueline status --cluster` lists the Runs of the namespace",
  });
}
