/**
 * What is removed from objects that are kept in memory by the thousand: who wrote which field (a fifth of an object and
 * more), and the copy of a manifest that `kubectl apply` leaves.
 */
import type { KubeObject, KubeResource } from "../kube.ts";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/** Of an object that was just parsed and is nobody's yet. */
export function stripInPlace(object: KubeObject): void {
  const metadata = object.metadata as {
    managedFields?: unknown;
    annotations?: Record<string, string>;
  };
  delete metadata.managedFields;
  if (metadata.annotations && lastApplied in metadata.annotations)
    delete metadata.annotations[lastApplied];
}

/** An item of a list, which says itself what it is only if its kind is a custom resource. */
export function toListed<T extends KubeObject>(
  item: T,
  { apiVersion, kind }: KubeResource,
): T {
  stripInPlace(item);
  return Object.assign({ apiVersion, kind }, item);
}
