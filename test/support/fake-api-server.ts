/**
 * A Kubernetes API server for tests: real HTTP on the loopback interface, objects of any kind in memory, watches,
 * server-side apply, garbage collection; and it goes wrong on demand (`faults`, `watches`, `compact`).
 *
 * It is the server alone: nothing makes pods of Jobs or runs them. A test plays those parts through `put` and `remove`,
 * which write what a controller or a kubelet would, status and all.
 */
import { once } from "node:events";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { resources } from "../../src/kube/kube.ts";
import type { KubeResource } from "../../src/kube/kube.ts";
import { createHandler } from "./api-server/handler.ts";
import type { Handler, HandlerOptions } from "./api-server/handler.ts";
import type { Faults } from "./api-server/faults.ts";
import type { PodLogs } from "./api-server/logs.ts";
import type { ApiObject } from "./api-server/objects.ts";
import type { RequestSeen } from "./api-server/requests.ts";
import type { WatchControls } from "./api-server/watches.ts";
import { toKubeconfig } from "./kubeconfig.ts";

export type { ApiObject } from "./api-server/objects.ts";

export type FakeApiServer = {
  readonly url: string;
  /** All requests so far, in their order. */
  readonly requests: readonly RequestSeen[];
  readonly faults: Faults;
  readonly watches: WatchControls;
  readonly logs: PodLogs;
  get(
    resource: KubeResource,
    name: string,
    namespace?: string,
  ): ApiObject | null;
  list(resource: KubeResource, namespace?: string): readonly ApiObject[];
  /** Keeps an object as it is, status too, new or not: the part of controllers and kubelets. */
  put(resource: KubeResource, object: ApiObject): ApiObject;
  /** Changes some fields of an object, status too (merge patch). */
  change(
    resource: KubeResource,
    name: { readonly name: string; readonly namespace?: string },
    patch: object,
  ): ApiObject;
  /** Removes an object at once, grace and finalizers or not, and what it owns. */
  remove(resource: KubeResource, name: string, namespace?: string): void;
  /** Forgets all versions: watches and pages from before are answered by 410. */
  compact(): void;
  /** A kubeconfig for it, as text. */
  kubeconfig(options?: { readonly namespace?: string }): string;
  /** Everything breaks and nothing answers until `restart`, which keeps port and objects. */
  stop(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
};

export type FakeApiServerOptions = Partial<HandlerOptions> & {
  /** Kinds beside `defaultKinds`. */
  readonly kinds?: readonly KubeResource[];
};

const core = (kind: string, plural: string, isNamespaced = true) => ({
  apiVersion: "v1",
  kind,
  plural,
  isNamespaced,
});

const { workload: _, ...known } = resources;
/** What a cluster without Kueue serves, as far as we ask. */
const defaultKinds: readonly KubeResource[] = [
  ...Object.values(known),
  core("Namespace", "namespaces", false),
  core("Secret", "secrets"),
  core("ConfigMap", "configmaps"),
];

export const testNamespace = "team";

export async function startFakeApiServer(
  options: FakeApiServerOptions = {},
): Promise<FakeApiServer> {
  const served = [...defaultKinds, ...(options.kinds ?? [])];
  const handler = createHandler({ ...options, served });
  let server = await listen(handler, 0);
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;

  return {
    url,
    requests: handler.requests,
    faults: handler.faults,
    watches: handler.watches,
    logs: handler.logs,
    get: (resource, name, namespace) =>
      handler.get(resource, placeOf(resource, namespace), name),
    list: (resource, namespace) => handler.list(resource, namespace ?? null),
    put: handler.put,
    change: (resource, { name, namespace }, patch) =>
      handler.change(resource, placeOf(resource, namespace), name, patch),
    remove: (resource, name, namespace) =>
      handler.remove(resource, placeOf(resource, namespace), name),
    compact: handler.compact,
    kubeconfig: (more = {}) =>
      toKubeconfig({
        cluster: { server: url },
        namespace: more.namespace ?? testNamespace,
      }),
    async stop() {
      await close(server);
    },
    async restart() {
      server = await listen(handler, port);
    },
    async close() {
      await close(server);
    },
  };
}

function placeOf(resource: KubeResource, namespace?: string): string | null {
  return resource.isNamespaced ? (namespace ?? testNamespace) : null;
}

async function listen(handler: Handler, port: number): Promise<http.Server> {
  const server = http.createServer(handler.handle);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function close(server: http.Server): Promise<void> {
  if (!server.listening) return;
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}
