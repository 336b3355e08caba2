/**
 * What is removed from objects that are kept in memory by the thousand: who wrote which field (a fifth of an object and
 * more), and the copy of a manifest that `kubectl apply` leaves.
 */
import type { KubeObject, KubeResource } from "../kube.ts";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

const written = ',"managedFields":[';

/**
 * An object from its JSON text, without who wrote which field: cut out of the text, which is half of it, and the half that
 * costs most to parse. The list is taken to end at the first `]`. Where that is inside a string, an odd number of quotes is
 * cut, and where it closes a list inside, a bracket without its partner remains: neither is JSON, and the whole text is parsed.
 *
 * Throws SyntaxError.
 */
export function parseObject(text: string): unknown {
  const from = text.indexOf(written);
  const to = from < 0 ? -1 : text.indexOf("]", from + written.length);
  if (to >= 0)
    try {
      return JSON.parse(text.slice(0, from) + text.slice(to + 1));
    } catch {
      // What is wrong, if anything is, stands in the text as it came.
    }
  return JSON.parse(text);
}

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
