/** What is deleted goes at once, is ended by its node first (pods), or waits for finalizers; what it owns goes after it. */
import type { KubeResource } from "../../../src/kube/kube.ts";
import { nameOf } from "./address.ts";
import { ApiError, isSameContent, withMetadata } from "./objects.ts";
import type { ApiObject } from "./objects.ts";
import type { Storage } from "./storage.ts";

export type DeleteBody = {
  readonly propagationPolicy?: string;
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string };
};

export type Remove = (
  resource: KubeResource,
  object: ApiObject,
  options: DeleteBody,
) => ApiObject;

export function createRemove(
  storage: Storage,
  served: readonly KubeResource[],
): Remove {
  const remove: Remove = (resource, object, options) => {
    const { metadata } = object;
    const { uid } = options.preconditions ?? {};
    if (uid !== undefined && uid !== metadata.uid)
      throw new ApiError(
        409,
        "Conflict",
        `Operation cannot be fulfilled on ${nameOf(resource, metadata.name)}: the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
      );
    if (options.propagationPolicy === "Orphan") release(metadata.uid ?? "");
    const graceSeconds = graceOf(resource, object, options);
    const isHeld = (metadata.finalizers ?? []).length > 0;
    if (graceSeconds === 0 && !isHeld) {
      const gone = storage.drop(resource, object);
      collect(metadata.uid ?? "");
      return gone;
    }
    const endsAt = new Date(Date.now() + graceSeconds * 1000);
    const marked = withMetadata(object, {
      deletionTimestamp: metadata.deletionTimestamp ?? endsAt.toISOString(),
      deletionGracePeriodSeconds: graceSeconds,
    });
    return isSameContent(object, marked)
      ? object
      : storage.keep(resource, marked);
  };

  /** The garbage collector: what has no other owner goes. */
  function collect(uid: string): void {
    for (const { resource, object } of storage.dependentsOf(uid, served))
      if (object.metadata.ownerReferences?.length === 1)
        remove(resource, object, {});
  }

  function release(uid: string): void {
    for (const { resource, object } of storage.dependentsOf(uid, served)) {
      const { ownerReferences = [] } = object.metadata;
      const left = ownerReferences.filter((owner) => owner.uid !== uid);
      storage.keep(resource, withMetadata(object, { ownerReferences: left }));
    }
  }
  return remove;
}

/** Of a pod that runs somewhere: its node ends it. Everything else goes at once. */
function graceOf(
  resource: KubeResource,
  object: ApiObject,
  options: DeleteBody,
): number {
  if (resource.kind !== "Pod") return 0;
  const { spec, status } = object as ApiObject & {
    readonly spec?: {
      readonly nodeName?: string;
      readonly terminationGracePeriodSeconds?: number;
    };
    readonly status?: { readonly phase?: string };
  };
  const isOver = status?.phase === "Succeeded" || status?.phase === "Failed";
  if (spec?.nodeName === undefined || isOver) return 0;
  return options.gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30;
}
