/** What containers have written, and those who follow it. */
import type * as http from "node:http";

export type PodLogs = {
  /** More of what a pod's container says; `text` with its line ends. */
  append(namespace: string, pod: string, text: string): void;
  /** The container is over: whoever follows has all of it. */
  end(namespace: string, pod: string): void;
  /** Breaks the connections of those who follow. */
  reset(): void;
};

export function createLogs() {
  const texts = new Map<string, string>();
  const ended = new Set<string>();
  const readers = new Map<http.ServerResponse, string>();
  const readersOf = (key: string) =>
    [...readers].filter(([, of]) => of === key).map(([reader]) => reader);

  const logs: PodLogs = {
    append(namespace, pod, text) {
      const key = `${namespace}/${pod}`;
      texts.set(key, (texts.get(key) ?? "") + text);
      for (const reader of readersOf(key)) reader.write(text);
    },
    end(namespace, pod) {
      const key = `${namespace}/${pod}`;
      ended.add(key);
      for (const reader of readersOf(key)) reader.end();
    },
    reset() {
      for (const reader of readers.keys()) reader.socket?.resetAndDestroy();
    },
  };
  function send(
    key: string,
    query: URLSearchParams,
    response: http.ServerResponse,
  ): void {
    const lines = (texts.get(key) ?? "").split(/(?<=\n)/);
    const tail = query.get("tailLines");
    const shown = tail === null ? lines : lines.slice(-Number(tail));
    response.writeHead(200, { "content-type": "text/plain" });
    response.write(shown.join(""));
    if (query.get("follow") !== "true" || ended.has(key)) {
      response.end();
      return;
    }
    response.flushHeaders();
    readers.set(response, key);
    response.on("close", () => void readers.delete(response));
  }
  return { logs, send };
}
