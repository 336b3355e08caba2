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

/** The first event is a bookmark of where the watch begins: the connection stands. */
export async function* readEvents<T extends KubeObject>(
  chunks: AsyncIterable<Uint8Array>,
  resourceVersion: string,
): AsyncGenerator<WatchEvent<T>> {
  yield { type: "BOOKMARK", resourceVersion };
  for await (const line of readLines(chunks)) {
    if (line !== "") yield toEvent(parse(line));
  }
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
