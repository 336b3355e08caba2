/** What the queue is keyed by: `run/<namespace>/<name>`, `schedule/<namespace>/<name>`. */
import type { ObjectMeta } from "../kube/kube.ts";

export type ObjectKey = {
  readonly kind: "run" | "schedule";
  readonly namespace: string;
  readonly name: string;
};

export function keyOf(
  kind: ObjectKey["kind"],
  { namespace = "", name }: Pick<ObjectMeta, "namespace" | "name">,
): string {
  return `${kind}/${namespace}/${name}`;
}

export function parseKey(key: string): ObjectKey {
  const [kind, namespace = "", name = ""] = key.split("/");
  if (kind !== "run" && kind !== "schedule")
    throw new Error(`'${key}' is no key of the controller's queue`);
  return { kind, namespace, name };
}
