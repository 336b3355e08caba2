/**
 * The objects of a kind as far as events have told, by name and by an index.
 *
 * C1 Of events an older state never replaces a newer one: they may come twice and, after a connection was taken up again,
 *    once more. Versions of one kind are numbers that grow (KEP-5504); where they are none, the last that came counts. A
 *    list is what there is, whatever was known: a server that was restored from a backup has lower versions again.
 * C2 A uid that is gone never comes back; the same name with another uid is another object.
 */
import type { KubeObject } from "./kube.ts";

export type ObjectCache<T extends KubeObject> = {
  get(namespace: string, name: string): T | null;
  list(): readonly T[];
  byIndex(value: string): readonly T[];
  /** True: it is news. */
  put(object: T): boolean;
  remove(object: T): boolean;
  /** What is not among `objects` is gone. Each that came, changed or went, in its last state. */
  replaceAll(objects: readonly T[]): readonly T[];
};

export function createObjectCache<T extends KubeObject>(
  indexBy: (object: T) => string | null,
): ObjectCache<T> {
  const objects = new Map<string, T>();
  const index = new Map<string, Map<string, T>>();
  /** Since the last list: no event is older than it. */
  const gone = new Set<string>();

  function unindex(object: T): void {
    const value = indexBy(object);
    if (value === null) return;
    const entries = index.get(value);
    entries?.delete(keyOf(object));
    if (entries?.size === 0) index.delete(value);
  }
  function keep(object: T): void {
    objects.set(keyOf(object), object);
    const value = indexBy(object);
    if (value === null) return;
    const entries = index.get(value) ?? new Map<string, T>();
    index.set(value, entries.set(keyOf(object), object));
  }
  function drop(object: T): void {
    objects.delete(keyOf(object));
    unindex(object);
    const { uid } = object.metadata;
    if (uid !== undefined) gone.add(uid);
  }

  function put(object: T): boolean {
    const { uid } = object.metadata;
    if (uid !== undefined && gone.has(uid)) return false; // C2
    const known = objects.get(keyOf(object));
    if (known?.metadata.uid === uid && known && !isNewer(object, known))
      return false; // C1
    replace(known, object);
    return true;
  }
  function replace(known: T | undefined, object: T): void {
    if (known && known.metadata.uid !== object.metadata.uid) drop(known);
    else if (known) unindex(known);
    keep(object);
  }
  /** As listed. True: it is news. */
  function set(object: T): boolean {
    const known = objects.get(keyOf(object));
    if (known && isSame(known, object)) return false;
    replace(known, object);
    return true;
  }

  return {
    get: (namespace, name) => objects.get(`${namespace}/${name}`) ?? null,
    list: () => [...objects.values()],
    byIndex: (value) => [...(index.get(value)?.values() ?? [])],
    put,
    remove(object) {
      const known = objects.get(keyOf(object));
      const { uid } = object.metadata;
      if (uid !== undefined) gone.add(uid);
      if (!known || known.metadata.uid !== uid) return false;
      drop(known);
      return true;
    },
    replaceAll(all) {
      gone.clear();
      const listed = new Set(all.map(keyOf));
      const lost = [...objects.values()].filter(
        (object) => !listed.has(keyOf(object)),
      );
      lost.forEach(drop);
      return [...lost, ...all.filter(set)];
    },
  };
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

/** A whole number as KEP-5504 writes it, so that the longer is the greater. */
const orderedVersion = /^(?:0|[1-9]\d*)$/;

/** Whether `a` is newer than `b`; where they have no order, whether it is another. */
export function isNewerVersion(a: string, b: string): boolean {
  if (a === b) return false;
  if (!orderedVersion.test(a) || !orderedVersion.test(b)) return true;
  return a.length === b.length ? a > b : a.length > b.length;
}

function isSame({ metadata: a }: KubeObject, { metadata: b }: KubeObject) {
  return a.uid === b.uid && a.resourceVersion === b.resourceVersion;
}

function isNewer(a: KubeObject, b: KubeObject): boolean {
  return isNewerVersion(
    a.metadata.resourceVersion ?? "",
    b.metadata.resourceVersion ?? "",
  );
}
