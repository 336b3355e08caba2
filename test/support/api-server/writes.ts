/** What the pretended server does when objects are created, replaced, patched and applied: versions and preconditions. */
import { randomUUID } from "node:crypto";
import type { KubeResource } from "../../../src/kube/kube.ts";
import { nameOf } from "./address.ts";
import type { Address } from "./address.ts";
import type { FieldOwners, Writer } from "./field-owners.ts";
import { mergePatch } from "./merge.ts";
import { ApiError, isSameContent, withMetadata } from "./objects.ts";
import type { ApiObject } from "./objects.ts";
import { hasStatus, settle, withoutStatus } from "./parts.ts";
import type { Storage } from "./storage.ts";

export function createWrites(storage: Storage, owners: FieldOwners) {
  function find(address: Address): ApiObject {
    const { resource, namespace, name } = address;
    const found = storage.get(resource, namespace, name ?? "");
    if (found) return found;
    const what = nameOf(resource, name ?? "");
    throw new ApiError(404, "NotFound", `${what} not found`);
  }

  function create(
    address: Address,
    sent: ApiObject,
    writer: Writer,
  ): ApiObject {
    const object = tryCreate(address, sent);
    owners.noteChange(null, object, writer);
    return storage.keep(address.resource, object);
  }

  /** As it would be created: a dry run. */
  function tryCreate(
    { resource, namespace }: Address,
    sent: ApiObject,
  ): ApiObject {
    const { name, generateName } = sent.metadata as {
      readonly name?: string;
      readonly generateName?: string;
    };
    const given = name ?? `${generateName}${randomUUID().slice(0, 5)}`;
    if (storage.get(resource, namespace, given))
      throw new ApiError(
        409,
        "AlreadyExists",
        `${nameOf(resource, given)} already exists`,
      );
    const content = hasStatus(resource) ? withoutStatus(sent) : sent;
    return withMetadata(content, {
      name: given,
      ...(namespace === null ? {} : { namespace }),
      uid: randomUUID(),
      creationTimestamp: new Date().toISOString(),
      ...(hasStatus(resource) ? { generation: 1 } : {}),
    });
  }

  function keep(
    address: Address,
    before: ApiObject,
    after: ApiObject,
  ): ApiObject {
    if (isSameContent(before, after)) return before;
    const isFree = (after.metadata.finalizers ?? []).length === 0;
    const wasHeld = (before.metadata.finalizers ?? []).length > 0;
    const isDeleted = after.metadata.deletionTimestamp !== undefined;
    return isDeleted && isFree && wasHeld
      ? storage.drop(address.resource, after)
      : storage.keep(address.resource, after);
  }

  function checkVersion(
    address: Address,
    before: ApiObject,
    resourceVersion: string | undefined,
  ): void {
    const { metadata } = before;
    if (
      (resourceVersion ?? metadata.resourceVersion) === metadata.resourceVersion
    )
      return;
    throw new ApiError(
      409,
      "Conflict",
      `Operation cannot be fulfilled on ${nameOf(address.resource, metadata.name)}: the object has been modified; please apply your changes to the latest version and try again`,
    );
  }

  function change(
    address: Address,
    before: ApiObject,
    sent: ApiObject,
    writer: Writer,
  ): ApiObject {
    const after = settle(address, before, sent);
    owners.noteChange(before, after, writer);
    return keep(address, before, after);
  }

  return {
    find,
    create,
    tryCreate,
    replace(address: Address, sent: ApiObject, writer: Writer): ApiObject {
      const before = find(address);
      checkVersion(address, before, sent.metadata.resourceVersion);
      return change(address, before, sent, writer);
    },
    patch(
      address: Address,
      patch: Partial<ApiObject>,
      writer: Writer,
    ): ApiObject {
      const before = find(address);
      checkVersion(address, before, patch.metadata?.resourceVersion);
      const merged = mergePatch(before, patch) as ApiObject;
      return change(address, before, merged, writer);
    },
    apply(
      address: Address,
      config: ApiObject,
      writer: Writer,
      force: boolean,
    ): { readonly object: ApiObject; readonly isNew: boolean } {
      const { resource, namespace, name, subresource } = address;
      const before = storage.get(resource, namespace, name ?? "");
      if (!before) {
        if (subresource !== null) find(address);
        const named = withMetadata(config, { name: name ?? "" });
        return { object: create(address, named, writer), isNew: true };
      }
      checkVersion(address, before, config.metadata.resourceVersion);
      const merged = owners.apply(before, config, writer, force);
      const object = keep(address, before, settle(address, before, merged));
      return { object, isNew: false };
    },
    /** As a part of the cluster other than clients would: at once, all of the object, its status too. */
    put(resource: KubeResource, object: ApiObject): ApiObject {
      const { namespace, name } = object.metadata;
      const before = storage.get(resource, namespace ?? null, name);
      const generation = before?.metadata.generation ?? 1;
      const metadata = {
        uid: before?.metadata.uid ?? randomUUID(),
        creationTimestamp:
          before?.metadata.creationTimestamp ?? new Date().toISOString(),
        ...(hasStatus(resource) ? { generation } : {}),
        ...object.metadata,
      };
      return storage.keep(resource, { ...object, metadata });
    },
  };
}
