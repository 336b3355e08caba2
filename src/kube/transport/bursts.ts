/**
 * The bytes of an answer as they come, in bursts: all that has come since the last was asked for. The chunks of a watch are
 * its events, and to read one by an iterator of the stream costs as much as the event itself.
 */
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";

/** The server waits when nobody takes what it has sent. */
const MOST_CHUNKS = 256;

/**
 * Throws what the stream fails of, as `toThrow` says it, after what came before. Who stops asking breaks the connection.
 */
export async function* readBursts(
  body: Readable,
  toThrow: (thrown: unknown) => unknown,
): AsyncGenerator<readonly Uint8Array[]> {
  let burst: Uint8Array[] = [];
  let news = Promise.withResolvers<void>();
  const stream = { isOver: false };
  const over = finished(body, { writable: false }).finally(() => {
    stream.isOver = true;
    news.resolve();
  });
  // It is awaited when all of it was read.
  over.catch(() => undefined);
  body.on("data", (chunk: Uint8Array) => {
    if (burst.push(chunk) >= MOST_CHUNKS) body.pause();
    news.resolve();
  });
  try {
    while (!stream.isOver || burst.length > 0) {
      if (burst.length === 0) await news.promise;
      const come = burst;
      burst = [];
      news = Promise.withResolvers();
      if (body.isPaused()) body.resume();
      if (come.length > 0) yield come;
    }
    await over;
  } catch (thrown) {
    throw toThrow(thrown);
  } finally {
    body.destroy();
  }
}
