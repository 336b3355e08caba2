/** The events of one watch, from the lines that the server sends. */
import { TransientError } from "../../base/errors.ts";
import type { KubeObject, WatchEvent } from "../kube.ts";
import { toEventRefusal, toPortError } from "../transport/answer.ts";
import { readLines } from "./lines.ts";
import { parseObject, stripInPlace } from "./strip.ts";

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
  resourceVersion: string,
): AsyncGenerator<Iterable<WatchEvent<T>>> {
  yield [{ type: "BOOKMARK", resourceVersion }];
  for await (const lines of readLines(bursts)) yield toEvents<T>(lines);
}

function* toEvents<T extends KubeObject>(
  lines: readonly string[],
): Generator<WatchEvent<T>> {
  for (const line of lines) if (line !== "") yield toEvent<T>(parse(line));
}

function parse(line: string): Line {
  try {
    return parseObject(line) as Line;
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
      stripInPlace(object as T);
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
