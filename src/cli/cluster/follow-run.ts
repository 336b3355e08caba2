/** A Run as it changes: by one watch that goes on where it was broken, so that following costs no polling. */
import { UserError } from "../../base/errors.ts";
import { createSignalFlag } from "../../executor/signal-flag.ts";
import { openInformer } from "../../kube/informer.ts";
import { resources, type Kube } from "../../kube/kube.ts";
import type { Run } from "../../resources/run-resource.ts";
import type { Environment } from "../environment.ts";
import { random } from "./open-cluster.ts";

/**
 * The Run as it is, then whenever it has changed, until `signal` aborts or the caller stops.
 * Throws `run.deleted` (UserError) when it is gone.
 */
export async function* followRun(
  kube: Kube,
  { metadata: { name, uid } }: Pick<Run, "metadata">,
  { clock, log, signal }: Pick<Environment, "clock" | "log" | "signal">,
): AsyncGenerator<Run> {
  const changed = createSignalFlag();
  const { namespace } = kube;
  const informer = openInformer<Run>({
    kube,
    resource: resources.run,
    namespace,
    fieldSelector: `metadata.name=${name}`,
    clock,
    random,
    log,
  });
  informer.onChange(changed.raise);
  void informer.synced.then(changed.raise);
  let last: Run | null = null;
  try {
    await changed.wait(signal);
    while (!signal.aborted) {
      const run = informer.get(namespace, name);
      if (run === null || run.metadata.uid !== uid) throw gone(name);
      if (run !== last) yield run;
      last = run;
      await changed.wait(signal);
    }
  } finally {
    await informer.close();
  }
}

function gone(name: string): UserError {
  return new UserError({
    code: "run.deleted",
    message: `the Run '${name}' was removed while it was followed`,
    hint: "what it has computed is in the store: the same file submitted again finds it there",
  });
}
