/** Streams of changes, and what can go wrong with those that are open. */
import type * as http from "node:http";
import type { KubeResource } from "../../../src/kube/kube.ts";
import { ApiError, toStatusObject, withMetadata } from "./objects.ts";
import type { ApiObject } from "./objects.ts";
import type { Selection } from "./selectors.ts";
import type { Change, Storage } from "./storage.ts";

/** Applied to all watches that are open. */
export type WatchControls = {
  /** How many are open. */
  readonly open: number;
  /** Tells all of them up to which version nothing happened. */
  bookmark(): void;
  /** Ends them, as a server does when their time is over. */
  end(): void;
  /** Breaks their connections in the middle of a line. */
  reset(): void;
  /** They stay open and say nothing any more. */
  silence(): void;
  /** Ends them by an ERROR event, as a server does when it is overloaded (429, 500) or has forgotten (410). */
  fail(status: number, reason: string): void;
  /** The next change is said twice. */
  duplicateNext(): void;
  /** The next two changes are said in the wrong order. */
  reorderNext(): void;
};

type Stream = {
  say(event: object): void;
  readonly response: http.ServerResponse;
  readonly resource: KubeResource;
  readonly wantsBookmarks: boolean;
  isSilent: boolean;
  next: "duplicate" | "reorder" | null;
  held: object | null;
};

export type WatchRequest = {
  readonly resource: KubeResource;
  readonly namespace: string | null;
  readonly selects: Selection;
  readonly query: URLSearchParams;
};

export function createWatches(
  storage: Storage,
  present: (object: ApiObject) => ApiObject,
) {
  const streams = new Set<Stream>();

  function start(request: WatchRequest, response: http.ServerResponse): void {
    const { resource, query } = request;
    const after = Number(query.get("resourceVersion") ?? 0);
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    const stream: Stream = {
      response,
      resource,
      wantsBookmarks: query.get("allowWatchBookmarks") === "true",
      isSilent: false,
      next: null,
      held: null,
      say(event) {
        if (!this.isSilent && !response.writableEnded)
          response.write(`${JSON.stringify(event)}\n`);
      },
    };
    const missed = storage.since(after);
    if (missed === null) {
      end(
        stream,
        new ApiError(
          410,
          "Expired",
          `too old resource version: ${after} (${storage.compactedTo})`,
        ),
      );
      return;
    }
    const tell = (change: Change): void => {
      const event = toEvent(change, request, present);
      if (event) deliver(stream, event);
    };
    missed.forEach(tell);
    const stop = storage.listen(tell);
    streams.add(stream);
    const seconds = Number(query.get("timeoutSeconds") ?? 0);
    const timer =
      seconds > 0 ? setTimeout(() => end(stream), seconds * 1000) : undefined;
    response.on("close", () => {
      clearTimeout(timer);
      streams.delete(stream);
      stop();
    });
  }

  function end(stream: Stream, error?: ApiError): void {
    if (error) stream.say({ type: "ERROR", object: toStatusObject(error) });
    stream.response.end();
  }

  const all = (act: (stream: Stream) => void) => () =>
    [...streams].forEach(act);
  const controls: WatchControls = {
    get open() {
      return streams.size;
    },
    bookmark: all((stream) => {
      const { apiVersion, kind } = stream.resource;
      const metadata = { resourceVersion: String(storage.version) };
      if (stream.wantsBookmarks)
        stream.say({
          type: "BOOKMARK",
          object: { apiVersion, kind, metadata },
        });
    }),
    end: all((stream) => end(stream)),
    reset: all((stream) => {
      stream.isSilent = true;
      stream.response.write('{"type":"ADDED","object":{"kin', () =>
        stream.response.socket?.resetAndDestroy(),
      );
    }),
    silence: all((stream) => {
      stream.isSilent = true;
    }),
    fail(status, reason) {
      for (const stream of streams)
        end(stream, new ApiError(status, reason, `watch failed: ${reason}`));
    },
    duplicateNext: all((stream) => {
      stream.next = "duplicate";
    }),
    reorderNext: all((stream) => {
      stream.next = "reorder";
    }),
  };
  return { start, controls };
}

function deliver(stream: Stream, event: object): void {
  const { next, held } = stream;
  if (next === "reorder" && held === null) {
    stream.held = event;
    return;
  }
  stream.next = null;
  stream.held = null;
  stream.say(event);
  if (next === "duplicate") stream.say(event);
  if (held !== null) stream.say(held);
}

/** A change as whoever selects sees it: what comes into the selection is new to them, what leaves it is gone. */
function toEvent(
  change: Change,
  request: WatchRequest,
  present: (object: ApiObject) => ApiObject,
): object | null {
  const { resource, namespace, selects } = request;
  const { metadata } = change.object;
  if (change.resource.plural !== resource.plural) return null;
  if (change.resource.apiVersion !== resource.apiVersion) return null;
  if (namespace !== null && metadata.namespace !== namespace) return null;
  const was = change.previous !== null && selects(change.previous);
  const is = change.type !== "DELETED" && selects(change.object);
  if (!was && !is) return null;
  const type = is ? (was ? "MODIFIED" : "ADDED") : "DELETED";
  const { resourceVersion } = metadata;
  const shown =
    is || change.previous === null ? change.object : change.previous;
  return {
    type,
    object: present(
      withMetadata(change.type === "DELETED" ? change.object : shown, {
        resourceVersion,
      }),
    ),
  };
}
