/** The port over HTTP: what each verb of the API is as a request. */
import type {
  Kube,
  KubeObject,
  KubeResource,
  LogOptions,
  ObjectName,
  WatchEvent,
} from "../kube.ts";
import { KubeRefusal } from "../refusal.ts";
import type { ApiRequest, Transport } from "../transport/transport.ts";
import { readLines } from "./lines.ts";
import { listAll } from "./list.ts";
import { toPath } from "./paths.ts";
import type { Place } from "./paths.ts";
import { readEvents } from "./watch.ts";

export type ClientOptions = {
  readonly transport: Transport;
  readonly server: string;
  readonly namespace: string;
  /** The server ends a watch after it: below the limits of load balancers, and servers' own (half an hour and more). */
  readonly watchSeconds: number;
  /** A watch that says nothing for so long is broken. A server says a bookmark a minute where it keeps a watch cache. */
  readonly watchSilenceMs: number;
};

export function createClient(options: ClientOptions): Kube {
  const { transport, server, namespace } = options;

  const placeOf = (resource: KubeResource, name: ObjectName): Place => ({
    namespace: resource.isNamespaced ? (name.namespace ?? namespace) : null,
    name: name.name,
  });
  const send = (
    verb: string,
    resource: KubeResource,
    request: Omit<ApiRequest, "verb" | "resource">,
  ): Promise<unknown> =>
    transport.send({ verb, resource: resource.plural, ...request });

  function watch<T extends KubeObject>(
    resource: KubeResource,
    asked: Parameters<Kube["watch"]>[1],
  ): AsyncIterable<WatchEvent<T>> {
    const { signal, resourceVersion, labelSelector, fieldSelector } = asked;
    const query = {
      watch: true,
      allowWatchBookmarks: true,
      timeoutSeconds: options.watchSeconds,
      resourceVersion,
      labelSelector,
      fieldSelector,
    };
    const request = {
      verb: "watch",
      resource: resource.plural,
      method: "GET",
      path: toPath(resource, { namespace: asked.namespace ?? null }, query),
      isIdempotent: true,
      signal,
    } as const;
    return untilAborted(signal, async () => {
      const bursts = await transport.open(request, options.watchSilenceMs);
      return readEvents<T>(bursts, asked);
    });
  }

  function readLog(
    pod: ObjectName,
    { signal, ...query }: LogOptions,
  ): AsyncIterable<string> {
    const place = { namespace: pod.namespace ?? namespace, name: pod.name };
    const request = {
      verb: "log",
      resource: "pods",
      method: "GET",
      path: toPath(podResource, { ...place, subresource: "log" }, query),
      isIdempotent: true,
      signal,
    } as const;
    return untilAborted(signal, async () =>
      readLines(await transport.open(request, 0)),
    );
  }

  return {
    namespace,
    server,
    get: <T>(resource: KubeResource, name: ObjectName) =>
      orNull(
        send("get", resource, {
          method: "GET",
          path: toPath(resource, placeOf(resource, name)),
          isIdempotent: true,
        }),
      ) as Promise<T | null>,
    list: <T extends KubeObject>(
      ...[resource, asked]: Parameters<Kube["list"]>
    ) => listAll<T>(transport, resource, asked),
    async create<T extends KubeObject>(
      ...[resource, object, how = {}]: Parameters<Kube["create"]>
    ) {
      const { namespace: into } = placeOf(resource, object.metadata);
      const query = how.dryRun ? { dryRun: "All" } : {};
      const path = toPath(resource, { namespace: into }, query);
      const request = { path, body: object, isIdempotent: false };
      return (await send("create", resource, {
        method: "POST",
        ...request,
      })) as T;
    },
    async apply<T>(...[resource, object, how]: Parameters<Kube["apply"]>) {
      const { fieldManager, force = true, subresource, signal } = how;
      const place = { ...placeOf(resource, object.metadata), subresource };
      return (await send("apply", resource, {
        method: "PATCH",
        path: toPath(resource, place, { fieldManager, force }),
        body: object,
        contentType: "application/apply-patch+yaml",
        isIdempotent: true,
        signal,
      })) as T;
    },
    async patch<T>(
      ...[resource, name, change, how = {}]: Parameters<Kube["patch"]>
    ) {
      const { fieldManager, subresource } = how;
      const place = { ...placeOf(resource, name), subresource };
      return (await send("patch", resource, {
        method: "PATCH",
        path: toPath(resource, place, { fieldManager }),
        body: change,
        contentType: "application/merge-patch+json",
        isIdempotent: true,
      })) as T;
    },
    async replace<T extends KubeObject>(resource: KubeResource, object: T) {
      return (await send("update", resource, {
        method: "PUT",
        path: toPath(resource, placeOf(resource, object.metadata)),
        body: object,
        isIdempotent: true,
      })) as T;
    },
    async remove(resource, name, how = {}) {
      const { propagation = "Background", graceSeconds, uid } = how;
      const answer = await orNull(
        send("delete", resource, {
          method: "DELETE",
          path: toPath(resource, placeOf(resource, name)),
          body: {
            kind: "DeleteOptions",
            apiVersion: "v1",
            propagationPolicy: propagation,
            ...(graceSeconds !== undefined && {
              gracePeriodSeconds: graceSeconds,
            }),
            ...(uid !== undefined && { preconditions: { uid } }),
          },
          isIdempotent: true,
        }),
      );
      return answer !== null;
    },
    watch,
    readLog,
    read: (path) =>
      orNull(
        transport.send({
          verb: "get",
          resource: "",
          method: "GET",
          path,
          isIdempotent: true,
        }),
      ),
    async review<T>(path: string, object: object) {
      const request = { method: "POST", path, body: object } as const;
      return (await transport.send({
        verb: "create",
        resource: path.split("/").at(-1) ?? "",
        ...request,
        isIdempotent: true,
      })) as T;
    },
    close: () => transport.close(),
  };
}

const podResource = {
  apiVersion: "v1",
  kind: "Pod",
  plural: "pods",
  isNamespaced: true,
} as const;

/** What is not there is null. */
async function orNull(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (thrown) {
    if (thrown instanceof KubeRefusal && thrown.status === 404) return null;
    throw thrown;
  }
}

/** What comes in each burst, one after the other. Who stops listening gets no error for it. */
async function* untilAborted<T>(
  signal: AbortSignal | undefined,
  open: () => Promise<AsyncIterable<Iterable<T>>>,
): AsyncGenerator<T> {
  try {
    for await (const burst of await open()) for (const one of burst) yield one;
  } catch (thrown) {
    if (!signal?.aborted) throw thrown;
  }
}
