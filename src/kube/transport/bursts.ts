/**
 * The bytes of an answer as they come, in bursts: all that has come since the last was asked for. The chunks of a watch are
 * its events, and to read one by an iterator of the stream costs as much as the event itself.
 */
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../../base/clock.ts";

/** The server waits when nobody takes what it has sent. */
const MOST_CHUNKS = 256;
/** After so many chunks in so long a time nothing is read for as long. */
const MANY_CHUNKS = 8;
const REST_MS = 25;

/**
 * Throws what the stream fails of, as `toThrow` says it, after what came before. Who stops asking breaks the connection.
 * Where many chunks come, it rests between two bursts: what the server sends meanwhile is read at once, which costs a
 * fraction of being woken for each piece of it. Few chunks come without delay.
 */
export async function* readBursts(
  body: Readable,
  options: {
    readonly toThrow: (thrown: unknown) => unknown;
    readonly clock: Clock;
  },
): AsyncGenerator<readonly Uint8Array[]> {
  const { toThrow, clock } = options;
  const isMany = countRecent(clock);
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
  const rest = async (): Promise<void> => {
    body.pause();
    await clock.sleep(REST_MS);
    body.resume();
    // What is there comes in pieces, a read of the socket each.
    for (let known = -1; burst.length > known && !body.isPaused();) {
      known = burst.length;
      await turn();
    }
  };
  try {
    while (!stream.isOver || burst.length > 0) {
      if (burst.length === 0) await news.promise;
      const come = burst;
      burst = [];
      news = Promise.withResolvers();
      if (body.isPaused()) body.resume();
      if (come.length === 0) continue;
      yield come;
      if (isMany(come.length)) await rest();
    }
    await over;
  } catch (thrown) {
    throw toThrow(thrown);
  } finally {
    body.destroy();
  }
}

/** Tells of each count whether, with those of a moment before, it is many. */
function countRecent(clock: Clock): (count: number) => boolean {
  let sinceMs = -Infinity;
  let sum = 0;
  return (count) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - sinceMs > REST_MS) {
      sinceMs = nowMs;
      sum = 0;
    }
    sum += count;
    return sum >= MANY_CHUNKS;
  };
}
