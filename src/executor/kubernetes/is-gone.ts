/** Requests that may come too late: the object is gone, or another one has its name. Whoever asked has what it wanted. */
import type {
  DeleteOptions,
  Kube,
  KubeResource,
  ObjectName,
} from "../../kube/kube.ts";
import { KubeRefusal } from "../../kube/refusal.ts";

export function isGone(thrown: unknown): boolean {
  return (
    thrown instanceof KubeRefusal &&
    (thrown.status === 404 || thrown.reason === "Conflict")
  );
}

/** Removes the object that `options.uid` names, and no other of its name. */
export async function removeOnce(
  kube: Kube,
  resource: KubeResource,
  name: ObjectName,
  options: DeleteOptions & { readonly uid: string },
): Promise<void> {
  try {
    await kube.remove(resource, name, options);
  } catch (thrown) {
    if (!isGone(thrown)) throw thrown;
  }
}
