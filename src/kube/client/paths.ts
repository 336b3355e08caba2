/** Where things are: `/apis/batch/v1/namespaces/team/jobs/train/status?fieldManager=…`. */
import type { KubeResource } from "../kube.ts";

export type Place = {
  /** Null: all namespaces, or a kind without. */
  readonly namespace: string | null;
  readonly name?: string;
  readonly subresource?: string | undefined;
};

export type Query = Readonly<
  Record<string, string | number | boolean | undefined>
>;

export function toPath(
  resource: KubeResource,
  place: Place,
  query: Query = {},
): string {
  const { apiVersion, plural } = resource;
  const { namespace, name, subresource } = place;
  const steps = [
    ...(apiVersion.includes("/")
      ? ["apis", ...apiVersion.split("/")]
      : ["api", apiVersion]),
    ...(namespace === null ? [] : ["namespaces", namespace]),
    plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  const path = `/${steps.map(encodeURIComponent).join("/")}`;
  return path + toQuery(query);
}

function toQuery(query: Query): string {
  const set = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as const],
  );
  return set.length === 0
    ? ""
    : `?${new URLSearchParams(Object.fromEntries(set)).toString()}`;
}
