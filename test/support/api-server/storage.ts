/**
 * The objects of the pretended server, their versions, and all that ever happened to them: what watches are told from.
 *
 * O1 One counter gives every change its version.
 * O2 Objects are values: a change keeps a new one and never touches the one before.
 */
import type { KubeResource } from "../../../src/kube/kube.ts";
import { withMetadata } from "./objects.ts";
import type { ApiObject } from "./objects.ts";

export type Change = {
  readonly version: number;
  readonly resource: KubeResource;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: ApiObject;
  /** As it was before; null: it was not there. */
  readonly previous: ApiObject | null;
};

export type Storage = ReturnType<typeof createStorage>;

export function createStorage() {
  const kinds = new Map<string, Map<string, ApiObject>>();
  const history: Change[] = [];
  const listeners = new Set<(change: Change) => void>();
  let version = 1;
  let compactedTo = 0;

  const kindOf = (resource: KubeResource): Map<string, ApiObject> => {
    const name = `${resource.apiVersion}/${resource.plural}`;
    let objects = kinds.get(name);
    if (!objects) kinds.set(name, (objects = new Map<string, ApiObject>()));
    return objects;
  };
  const keyOf = (namespace: string | null | undefined, name: string): string =>
    `${namespace ?? ""}/${name}`;

  function record(change: Omit<Change, "version">): ApiObject {
    version++;
    const object = withMetadata(change.object, {
      resourceVersion: String(version),
    });
    const done = { ...change, object, version };
    history.push(done);
    for (const listener of listeners) listener(done);
    return object;
  }

  return {
    get version() {
      return version;
    },
    get compactedTo() {
      return compactedTo;
    },
    get(resource: KubeResource, namespace: string | null, name: string) {
      return kindOf(resource).get(keyOf(namespace, name)) ?? null;
    },
    /** In the order of their keys. */
    list(resource: KubeResource, namespace: string | null): ApiObject[] {
      return [...kindOf(resource)]
        .filter(
          ([, { metadata }]) =>
            namespace === null || metadata.namespace === namespace,
        )
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, object]) => object);
    },
    /** Keeps an object under its name, new or not. */
    keep(resource: KubeResource, object: ApiObject): ApiObject {
      const { namespace, name } = object.metadata;
      const previous = kindOf(resource).get(keyOf(namespace, name)) ?? null;
      const type = previous === null ? "ADDED" : "MODIFIED";
      // Kept before it is told: whoever hears of it may look.
      const kept = withMetadata(object, {
        resourceVersion: String(version + 1),
      });
      kindOf(resource).set(keyOf(namespace, name), kept);
      return record({ resource, type, object: kept, previous });
    },
    drop(resource: KubeResource, object: ApiObject): ApiObject {
      const { namespace, name } = object.metadata;
      const previous = kindOf(resource).get(keyOf(namespace, name)) ?? null;
      kindOf(resource).delete(keyOf(namespace, name));
      return record({ resource, type: "DELETED", object, previous });
    },
    /** All objects that name this uid as an owner. */
    dependentsOf(
      uid: string,
      served: readonly KubeResource[],
    ): { readonly resource: KubeResource; readonly object: ApiObject }[] {
      return served.flatMap((resource) =>
        [...kindOf(resource).values()]
          .filter((object) =>
            object.metadata.ownerReferences?.some((owner) => owner.uid === uid),
          )
          .map((object) => ({ resource, object })),
      );
    },
    /** What happened after a version; null: it is no longer known. */
    since(after: number): readonly Change[] | null {
      if (after < compactedTo) return null;
      return history.filter((change) => change.version > after);
    },
    /** Forgets all versions before the newest. */
    compact(): void {
      version++;
      compactedTo = version;
      history.length = 0;
    },
    listen(listener: (change: Change) => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
