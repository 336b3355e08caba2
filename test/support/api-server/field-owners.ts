/**
 * Who owns which field of an object (KEP-555): apply fails on another's field or takes it over, and removes what the same
 * manager applied before and does not any more. Smaller than the real thing: objects and lists with named entries only.
 */
import { isDeepStrictEqual } from "node:util";
import { ApiError } from "./objects.ts";
import type { ApiObject } from "./objects.ts";
import { leavesOf, mergeApplied, toFieldsV1, without } from "./merge.ts";
import type { FieldPath } from "./merge.ts";

export type Writer = {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly subresource: string | null;
};

export type FieldOwners = ReturnType<typeof createFieldOwners>;

export function createFieldOwners() {
  /** By uid of an object, then by writer. */
  const all = new Map<string, Map<string, Set<FieldPath>>>();
  const ownersOf = (uid: string) => {
    let owners = all.get(uid);
    if (!owners) all.set(uid, (owners = new Map<string, Set<FieldPath>>()));
    return owners;
  };

  /** The fields that a write is about: nobody owns an object's name. */
  function fieldsOf(object: object): Map<FieldPath, unknown> {
    const { metadata, ...rest } = object as ApiObject;
    const { labels, annotations, ownerReferences, finalizers } = metadata;
    const { apiVersion: _, kind: __, ...content } = rest;
    const owned = { labels, annotations, ownerReferences, finalizers };
    return leavesOf(
      JSON.parse(JSON.stringify({ ...content, metadata: owned })) as unknown,
    );
  }

  function take(uid: string, writer: Writer, paths: Iterable<FieldPath>): void {
    const owners = ownersOf(uid);
    const own = owners.get(nameOf(writer)) ?? new Set<FieldPath>();
    owners.set(nameOf(writer), own);
    for (const path of paths) {
      for (const others of owners.values())
        if (others !== own) others.delete(path);
      own.add(path);
    }
  }

  return {
    /** Of a create, an update or a patch: who changes a field owns it. */
    noteChange(before: ApiObject | null, after: ApiObject, writer: Writer) {
      const old = before ? fieldsOf(before) : new Map<FieldPath, unknown>();
      const changed = [...fieldsOf(after)].filter(
        ([path, value]) => !isDeepStrictEqual(old.get(path), value),
      );
      take(
        after.metadata.uid ?? "",
        writer,
        changed.map(([path]) => path),
      );
    },
    apply(
      current: ApiObject,
      config: ApiObject,
      writer: Writer,
      force: boolean,
    ): ApiObject {
      const uid = current.metadata.uid ?? "";
      const owners = ownersOf(uid);
      const wanted = fieldsOf(config);
      const now = fieldsOf(current);
      const conflicts = [...owners]
        .filter(([name]) => name !== nameOf(writer))
        .flatMap(([name, paths]) =>
          [...wanted]
            .filter(
              ([path, value]) =>
                paths.has(path) && !isDeepStrictEqual(now.get(path), value),
            )
            .map(([path]) => `conflict with "${name}": ${toDotted(path)}`),
        );
      if (conflicts.length > 0 && !force)
        throw new ApiError(
          409,
          "Conflict",
          `Apply failed with ${conflicts.length} conflicts: ${conflicts.join(", ")}`,
        );
      const own = owners.get(nameOf(writer)) ?? new Set<FieldPath>();
      const dropped = [...own].filter((path) => !wanted.has(path));
      owners.set(nameOf(writer), new Set(wanted.keys()));
      // Others own it too when they applied the same value.
      const isShared = (path: FieldPath) =>
        [...owners.values()].some((paths) => paths.has(path));
      const left = dropped
        .filter((path) => !isShared(path))
        .reduce<unknown>(without, current);
      for (const [path, value] of wanted)
        if (!isDeepStrictEqual(now.get(path), value))
          for (const [name, paths] of owners)
            if (name !== nameOf(writer)) paths.delete(path);
      return mergeApplied(left, config) as ApiObject;
    },
    managedFieldsOf(object: ApiObject): readonly object[] {
      return [...ownersOf(object.metadata.uid ?? "")]
        .filter(([, paths]) => paths.size > 0)
        .map(([name, paths]) => {
          const [manager, operation, subresource] = name.split("|");
          return {
            manager,
            operation,
            apiVersion: object.apiVersion,
            fieldsType: "FieldsV1",
            fieldsV1: toFieldsV1(paths),
            ...(subresource === "" ? {} : { subresource }),
          };
        });
    },
  };
}

function nameOf(writer: Writer): string {
  return [writer.manager, writer.operation, writer.subresource ?? ""].join("|");
}

function toDotted(path: FieldPath): string {
  return path
    .split("\u0000")
    .map((step) =>
      step.startsWith("f:") ? `.${step.slice(2)}` : `[${step.slice(2)}]`,
    )
    .join("");
}
