/** All pages of a list: each shows the moment of the first, or none of them counts. */
import { TransientError } from "../../base/errors.ts";
import type { KubeObject, KubeResource, Listed, ListOptions } from "../kube.ts";
import { KubeRefusal } from "../refusal.ts";
import type { Transport } from "../transport/transport.ts";
import { toPath } from "./paths.ts";
import { toListed } from "./strip.ts";

const pageSize = 500;
/** A server forgets pages after minutes: who does not get through them once will not get through them often. */
const maxTries = 3;

type Page<T> = {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
  };
  readonly items: readonly T[] | null;
};

export async function listAll<T extends KubeObject>(
  transport: Transport,
  resource: KubeResource,
  options: ListOptions,
): Promise<Listed<T>> {
  for (let tries = 1; ; tries++) {
    try {
      return await readPages<T>(transport, resource, options);
    } catch (thrown) {
      const isForgotten =
        thrown instanceof KubeRefusal && thrown.status === 410;
      if (!isForgotten) throw thrown;
      if (tries < maxTries) continue;
      throw new TransientError({
        code: "kube.busy",
        message: `the API server forgot the list of ${resource.plural} while it was read, ${tries} times`,
        cause: thrown,
      });
    }
  }
}

async function readPages<T extends KubeObject>(
  transport: Transport,
  resource: KubeResource,
  options: ListOptions,
): Promise<Listed<T>> {
  const { namespace, labelSelector, fieldSelector, specFields } = options;
  const items: T[] = [];
  let token: string | undefined;
  for (;;) {
    const query = {
      labelSelector,
      fieldSelector,
      limit: pageSize,
      continue: token,
    };
    const page = (await transport.send({
      verb: "list",
      resource: resource.plural,
      method: "GET",
      path: toPath(resource, { namespace: namespace ?? null }, query),
      isIdempotent: true,
    })) as Page<T>;
    for (const item of page.items ?? [])
      items.push(toListed(item, resource, specFields));
    token = page.metadata.continue || undefined;
    const { resourceVersion } = page.metadata;
    if (token === undefined) return { items, resourceVersion };
  }
}
