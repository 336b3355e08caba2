/** From an HTTP request to its answer: who is it about, is it allowed, does something go wrong, what is done. */
import type * as http from "node:http";
import type { KubeResource } from "../../../src/kube/kube.ts";
import { groupOf } from "./address.ts";
import type { Address } from "./address.ts";
import { createFaults, TextError, toError } from "./faults.ts";
import { createFieldOwners } from "./field-owners.ts";
import type { Writer } from "./field-owners.ts";
import { createLists } from "./lists.ts";
import { createLogs } from "./logs.ts";
import { mergePatch } from "./merge.ts";
import { ApiError, toStatusObject, withMetadata } from "./objects.ts";
import type { ApiObject } from "./objects.ts";
import { createRemove } from "./removals.ts";
import type { DeleteBody } from "./removals.ts";
import { readRequest } from "./requests.ts";
import type { RequestSeen } from "./requests.ts";
import { parseSelection } from "./selectors.ts";
import { createStorage } from "./storage.ts";
import { createWatches } from "./watches.ts";
import { createWrites } from "./writes.ts";

export type HandlerOptions = {
  readonly served: readonly KubeResource[];
  /** Default: 1.36.3. */
  readonly version?: string;
  /** Whom it knows; others are answered by 401. Default: everybody. */
  readonly token?: string;
  /** Why a request is refused by 403, as RBAC or a quota does; null: it is not. */
  readonly forbid?: (request: RequestSeen) => string | null;
};

export type Handler = ReturnType<typeof createHandler>;

export function createHandler(options: HandlerOptions) {
  const { served } = options;
  const storage = createStorage();
  const owners = createFieldOwners();
  const writes = createWrites(storage, owners);
  const remove = createRemove(storage, served);
  const faults = createFaults();
  const { logs, send: sendLog } = createLogs();
  const requests: RequestSeen[] = [];
  /** With what the server knows of its fields, as it sends it. */
  const present = (object: ApiObject): ApiObject => {
    const managedFields = owners.managedFieldsOf(object);
    return managedFields.length === 0
      ? object
      : withMetadata(object, { managedFields });
  };
  const watches = createWatches(storage, present);
  const list = createLists(storage, present);

  async function serve(
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    const { seen, address, query } = await readRequest(request, served);
    requests.push(seen);
    check(seen);
    const fault = faults.take(seen);
    if (fault?.kind === "silence") return;
    if (fault?.kind === "refuse") throw toError(fault);
    if (fault?.kind === "reset" && fault.when === "before")
      return void request.socket.resetAndDestroy();
    if (address && seen.verb === "watch") {
      const selects = parseSelection(query);
      watches.start({ ...address, selects, query }, response);
      return;
    }
    if (address && seen.verb === "log") {
      writes.find(address);
      sendLog(`${address.namespace}/${address.name}`, query, response);
      return;
    }
    const [status, answer] = address
      ? act(address, seen, query)
      : [request.method === "POST" ? 201 : 200, answerOther(seen, options)];
    if (fault?.kind === "reset") return void request.socket.resetAndDestroy();
    send(response, status, answer);
  }

  function check(seen: RequestSeen): void {
    const { authorization = "" } = seen.headers;
    if (options.token && authorization !== `Bearer ${options.token}`)
      throw new ApiError(401, "Unauthorized", "Unauthorized");
    const why = options.forbid?.(seen) ?? null;
    if (why !== null) throw new ApiError(403, "Forbidden", why);
  }

  function act(
    address: Address,
    seen: RequestSeen,
    query: URLSearchParams,
  ): readonly [number, object] {
    const sent = seen.body as ApiObject;
    const writer: Writer = {
      manager: query.get("fieldManager") ?? "unknown",
      operation: seen.verb === "apply" ? "Apply" : "Update",
      subresource: address.subresource,
    };
    switch (seen.verb) {
      case "get":
        return [200, present(writes.find(address))];
      case "list":
        return [200, list(address, parseSelection(query), query)];
      case "create":
        if (query.get("dryRun") === "All")
          return [201, writes.tryCreate(address, sent)];
        return [201, present(writes.create(address, sent, writer))];
      case "update":
        return [200, present(writes.replace(address, sent, writer))];
      case "patch":
        return [200, present(writes.patch(address, sent, writer))];
      case "apply": {
        const force = query.get("force") === "true";
        const { object, isNew } = writes.apply(address, sent, writer, force);
        return [isNew ? 201 : 200, present(object)];
      }
      case "delete": {
        const how = (seen.body ?? {}) as DeleteBody;
        return [200, remove(address.resource, writes.find(address), how)];
      }
      case "watch":
      case "log":
      case "other":
        throw new ApiError(405, "MethodNotAllowed", "method not allowed");
    }
  }

  return {
    requests,
    faults,
    logs,
    watches: watches.controls,
    get: storage.get,
    list: storage.list,
    put: writes.put,
    change(
      resource: KubeResource,
      namespace: string | null,
      name: string,
      patch: object,
    ): ApiObject {
      const address = { resource, namespace, name, subresource: null };
      const merged = mergePatch(writes.find(address), patch);
      return writes.put(resource, merged as ApiObject);
    },
    remove(resource: KubeResource, namespace: string | null, name: string) {
      const address = { resource, namespace, name, subresource: null };
      const object = withMetadata(writes.find(address), { finalizers: [] });
      remove(resource, object, { gracePeriodSeconds: 0 });
    },
    compact: storage.compact,
    handle(request: http.IncomingMessage, response: http.ServerResponse) {
      serve(request, response).catch((thrown: unknown) => {
        if (!(thrown instanceof ApiError)) {
          // A fault of the pretended server itself must be seen, or tests would take it for one of the network.
          const text = thrown instanceof Error ? thrown.stack : String(thrown);
          console.error(`fake API server: ${text}`);
          thrown = new ApiError(500, "InternalError", String(thrown));
        }
        if (!response.headersSent) sendError(response, thrown as ApiError);
        else response.destroy();
      });
    },
  };
}

function sendError(response: http.ServerResponse, error: ApiError): void {
  if (error.retryAfterSeconds !== null)
    response.setHeader("retry-after", String(error.retryAfterSeconds));
  if (!(error instanceof TextError))
    return send(response, error.status, toStatusObject(error));
  response.writeHead(error.status, { "content-type": "text/plain" });
  response.end(error.message);
}

function send(response: http.ServerResponse, status: number, answer: object) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(answer));
}

/** Versions, groups and reviews. */
function answerOther(seen: RequestSeen, options: HandlerOptions): object {
  const { path, body } = seen;
  if (path === "/version")
    return { gitVersion: `v${options.version ?? "1.36.3"}` };
  const group = /^\/apis\/([^/]+)(?:\/([^/]+))?$/.exec(path);
  const inGroup = options.served.filter((one) => groupOf(one) === group?.[1]);
  if (group?.[2] !== undefined && inGroup.length > 0)
    return { kind: "APIResourceList", resources: toResourceList(inGroup) };
  if (group && inGroup.length > 0) return { kind: "APIGroup", name: group[1] };
  if (path === "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
    return { ...(body as object), status: { allowed: true } };
  throw new ApiError(
    404,
    "NotFound",
    "the server could not find the requested resource",
  );
}

function toResourceList(kinds: readonly KubeResource[]): readonly object[] {
  return kinds.map(({ plural, kind, isNamespaced }) => ({
    name: plural,
    kind,
    namespaced: isNamespaced,
  }));
}
