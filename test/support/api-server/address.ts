/** What a request is about: `/apis/batch/v1/namespaces/team/jobs/train/status?…`. */
import type { KubeResource } from "../../../src/kube/kube.ts";
import { ApiError } from "./objects.ts";

export type Address = {
  readonly resource: KubeResource;
  /** Null: all namespaces, or a kind without. */
  readonly namespace: string | null;
  readonly name: string | null;
  readonly subresource: string | null;
};

/** Null: no path of objects that are kept. Throws what a server answers for kinds that it does not know. */
export function parseAddress(
  pathname: string,
  served: readonly KubeResource[],
): Address | null {
  const match =
    /^\/(?:api\/(v1)|apis\/([^/]+\/[^/]+))\/(?:namespaces\/([^/]+)\/(?=[^/]))?([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
      pathname,
    );
  if (!match || pathname.endsWith("reviews")) return null;
  const [, core, group, namespace, plural, name, subresource] = match.map(
    (part) => (part === undefined ? undefined : decodeURIComponent(part)),
  );
  const apiVersion = core ?? group;
  // `/namespaces/team/finalize` is a namespace's own path and not one of a kind "finalize": nothing of ours asks for it.
  const resource = served.find(
    (one) => one.apiVersion === apiVersion && one.plural === plural,
  );
  if (!resource)
    throw new ApiError(
      404,
      "NotFound",
      "the server could not find the requested resource",
    );
  return {
    resource,
    namespace: namespace ?? null,
    name: name ?? null,
    subresource: subresource ?? null,
  };
}

/** `jobs.batch "train"`, as servers name things in messages. */
export function nameOf(resource: KubeResource, name: string): string {
  const group = groupOf(resource);
  return `${resource.plural}${group === "" ? "" : `.${group}`} "${name}"`;
}

/** Empty for the core group. */
export function groupOf(resource: KubeResource): string {
  const [group = "", version] = resource.apiVersion.split("/");
  return version === undefined ? "" : group;
}
