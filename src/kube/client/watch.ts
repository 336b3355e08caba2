/** The events of one watch, from the lines that the server sends. */
import { TransientError } from "../../base/errors.ts";
import type { KubeObject, ListOptions, WatchEvent } from "../kube.ts";
import { toEventRefusal, toPortError } from "../transport/answer.ts";
import { readLines } from "./lines.ts";
import { createEventReader } from "./strip.ts";

type Line = {
  readonly type?: string;
  readonly object?: KubeObject;
};

/**
 * The events of each burst, each parsed when it is asked for: before one that cannot be read all others are told. The first
 * is a bookmark of where the watch begins: the connection stands.
 */
export async function* readEvents<T extends KubeObject>(
  bursts: AsyncIterable<readonly Uint8Array[]>,
  from: Pick<ListOptions, "specFields"> & { readonly resourceVersion: string },
): AsyncGenerator<Iterable<WatchEvent<T>>> {
  const { resourceVersion } = from;
  yield [{ type: "BOOKMARK", resourceVersion }];
  const read = createEventReader(from.specFields);
  for await (const lines of readLines(bursts)) yield toEvents<T>(lines, read);
}

function* toEvents<T extends KubeObject>(
  lines: readonly string[],
  read: (line: string) => unknown,
): Generator<WatchEvent<T>> {
  for (const line of lines)
    if (line !== "") yield toEvent<T>(parse(line, read));
}

function parse(line: string, read: (line: string) => unknown): Line {
  try {
    return read(line) as Line;
  } catch (cause) {
    // A connection that ends in the middle of a line may look like an ordinary end.
    throw new TransientError({
      code: "kube.broken",
      message: "a watch ended in the middle of an event",
      cause,
    });
  }
}

function toEvent<T extends KubeObject>({ type, object }: Line): WatchEvent<T> {
  switch (type ?? "") {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return { type: type as "ADDED", object: object as T };
    case "BOOKMARK":
      return {
        type: "BOOKMARK",
        resourceVersion: object?.metadata.resourceVersion ?? "",
      };
    case "ERROR":
      throw toPortError(toEventRefusal(object));
    default:
      throw new Error(
        `a watch said an event of type '${type}', which there is not`,
      );
  }
}
