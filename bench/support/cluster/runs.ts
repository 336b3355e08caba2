/** Runs as users make them, and waiting for the end of an object. */
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/log.ts";
import { openInformer } from "../../../src/kube/informer.ts";
import {
  resources,
  type Kube,
  type KubeObject,
  type KubeResource,
} from "../../../src/kube/kube.ts";
import type { Run, RunSpec } from "../../../src/resources/run-resource.ts";
import type { Place } from "./world.ts";

const { apiVersion, kind } = resources.run;

export async function submitRun(
  kube: Kube,
  { namespace }: Place,
  run: { readonly name: string; readonly spec: RunSpec },
): Promise<Run> {
  const metadata = { name: run.name, namespace };
  return await kube.create<Run>(resources.run, {
    apiVersion,
    kind,
    metadata,
    spec: run.spec,
  });
}

export type Reached<T> = {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** The object that was awaited last. */
  readonly last: T;
};

/** Watches the objects of a kind in a place; resolves when so many are as they should be. */
export function watchFor<T extends KubeObject>(options: {
  readonly kube: Kube;
  readonly place: Place;
  readonly resource: KubeResource;
  readonly count: number;
  readonly isThere: (object: T) => boolean;
}): Promise<Reached<T>> {
  const { kube, place, resource, count, isThere } = options;
  const found = new Set<string>();
  const reached = Promise.withResolvers<Reached<T>>();
  const informer = openInformer<T>({
    kube,
    resource,
    namespace: place.namespace,
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
  });
  informer.onChange((object) => {
    if (!isThere(object)) return;
    found.add(object.metadata.name);
    if (found.size === count)
      reached.resolve({ atMs: Date.now(), last: object });
  });
  return reached.promise.finally(() => {
    void informer.close();
  });
}

export const isSucceeded = (run: Run): boolean => {
  const { phase, reason } = run.status ?? {};
  if (phase === "Failed" || phase === "Cancelled")
    throw new Error(`the Run ended ${phase}: ${reason}`);
  return phase === "Succeeded";
};
