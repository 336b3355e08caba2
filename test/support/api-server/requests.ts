/** A request as the pretended server sees it. */
import type * as http from "node:http";
import type { KubeResource } from "../../../src/kube/kube.ts";
import { parseAddress } from "./address.ts";
import type { Address } from "./address.ts";
import { ApiError } from "./objects.ts";

export type Verb =
  | "get"
  | "list"
  | "watch"
  | "create"
  | "update"
  | "patch"
  | "apply"
  | "delete"
  | "log"
  | "other";

export type RequestSeen = {
  readonly verb: Verb;
  /** Plural; empty: none, such as `/version`. */
  readonly resource: string;
  readonly namespace: string | null;
  readonly name: string | null;
  readonly subresource: string | null;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
};

export async function readRequest(
  request: http.IncomingMessage,
  served: readonly KubeResource[],
): Promise<{
  readonly seen: RequestSeen;
  /** Null: about no object. */
  readonly address: Address | null;
  readonly query: URLSearchParams;
}> {
  const url = new URL(request.url ?? "", "http://localhost");
  const body = await readBody(request);
  const address = parseAddress(url.pathname, served);
  const seen = {
    verb: address ? verbOf(request, url.searchParams, address) : "other",
    resource: address?.resource.plural ?? "",
    namespace: address?.namespace ?? null,
    name: address?.name ?? null,
    subresource: address?.subresource ?? null,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: request.headers as Readonly<Record<string, string>>,
    body,
  } as const;
  return { seen, address, query: url.searchParams };
}

function verbOf(
  request: http.IncomingMessage,
  query: URLSearchParams,
  { name, subresource }: Address,
): Verb {
  switch (request.method ?? "") {
    case "GET":
      if (subresource === "log") return "log";
      if (name !== null) return "get";
      return query.get("watch") === "true" ? "watch" : "list";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "DELETE":
      return "delete";
    case "PATCH":
      return patchVerbOf(request.headers["content-type"] ?? "");
    default:
      return "other";
  }
}

function patchVerbOf(type: string): Verb {
  if (type === "application/apply-patch+yaml") return "apply";
  if (type === "application/merge-patch+json") return "patch";
  throw new ApiError(
    415,
    "UnsupportedMediaType",
    `the pretended server knows no patch of type ${type}`,
  );
}

async function readBody(request: http.IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === "" ? null : (JSON.parse(text) as unknown);
}
