/** The parts of an object that are written apart: metadata that is the server's, content with its generation, status. */
import { isDeepStrictEqual } from "node:util";
import type { KubeResource } from "../../../src/kube/kube.ts";
import type { Address } from "./address.ts";
import { withMetadata } from "./objects.ts";
import type { ApiObject } from "./objects.ts";

/** Kinds without a status of its own: all of it is written at once. */
const plain: ReadonlySet<string> = new Set([
  "Event",
  "Lease",
  "Secret",
  "ConfigMap",
  "Namespace",
]);

export function hasStatus(resource: KubeResource): boolean {
  return !plain.has(resource.kind);
}

export function withoutStatus(object: ApiObject): ApiObject {
  const { status, ...rest } = object;
  return status === undefined ? object : rest;
}

/** What a write to one part of an object leaves of the other parts, with the right generation. */
export function settle(
  { resource, subresource }: Address,
  before: ApiObject,
  sent: ApiObject,
): ApiObject {
  if (subresource === "status") return { ...before, status: sent["status"] };
  const { uid, creationTimestamp, generation, deletionTimestamp } =
    before.metadata;
  const serverOwned = { uid, creationTimestamp, generation, deletionTimestamp };
  const after = withMetadata(sent, serverOwned);
  if (!hasStatus(resource)) return after;
  const status = before["status"];
  const object = {
    ...withoutStatus(after),
    ...(status === undefined ? {} : { status }),
  };
  if (isDeepStrictEqual(contentOf(before), contentOf(object))) return object;
  return withMetadata(object, { generation: (generation ?? 0) + 1 });
}

function contentOf(object: ApiObject): object {
  return { ...withoutStatus(object), metadata: null };
}
