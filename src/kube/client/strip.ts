/**
 * What is left out of objects that are kept in memory by the thousand: who wrote which field (a fifth of an object and
 * more), the copy of a manifest that `kubectl apply` leaves, and fields of `spec` that nobody reads.
 */
import type { KubeObject, KubeResource, ListOptions } from "../kube.ts";
import { selectMembers, type Members } from "./select-members.ts";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

type SpecFields = ListOptions["specFields"];

/**
 * Reads events of a watch from their JSON text, with of each object what is wanted. The rest, which is most of it, is cut out
 * of the text: it costs most to parse. Throws SyntaxError.
 */
export function createEventReader(
  specFields: SpecFields,
): (text: string) => unknown {
  const members = membersOf(specFields);
  return (text) => {
    try {
      return JSON.parse(selectMembers(text, members));
    } catch {
      // Written in another way; or what is wrong stands in the text as it came.
      const event = JSON.parse(text) as { readonly object?: KubeObject } | null;
      if (event?.object?.metadata) stripInPlace(event.object, specFields);
      return event;
    }
  };
}

function membersOf(specFields: SpecFields): Members {
  const ofAnnotations: Members = (name) => name !== lastApplied;
  const ofMetadata: Members = (name) =>
    name === "annotations" ? ofAnnotations : name !== "managedFields";
  const ofObject: Members = (name) => {
    if (name === "metadata") return ofMetadata;
    return name === "spec" && specFields ? specFields : true;
  };
  return (name) => (name === "object" ? ofObject : true);
}

/** Of an object that was just parsed and is nobody's yet. */
function stripInPlace(object: KubeObject, specFields: SpecFields): void {
  const { metadata, spec } = object as {
    metadata: { managedFields?: unknown; annotations?: Record<string, string> };
    spec?: Record<string, unknown>;
  };
  delete metadata.managedFields;
  if (metadata.annotations && lastApplied in metadata.annotations)
    delete metadata.annotations[lastApplied];
  if (spec && specFields)
    for (const field of Object.keys(spec))
      if (!specFields(field)) delete spec[field];
}

/** An item of a list, which says itself what it is only if its kind is a custom resource. */
export function toListed<T extends KubeObject>(
  item: T,
  { apiVersion, kind }: KubeResource,
  specFields: SpecFields,
): T {
  stripInPlace(item, specFields);
  return Object.assign({ apiVersion, kind }, item);
}
