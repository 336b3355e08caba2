/**
 * Connections to one server, kept for the next request. How many there are follows from how many requests are under way
 * at once, which the gate bounds.
 *
 * P1 A kept connection that has closed meanwhile is forgotten at the next request or answer: bursts of requests with
 *    pauses between them leave no closed connections, and their buffers, behind.
 * P2 A server may close a connection in the moment in which it is used again. A request that got no answer at all on such
 *    a one is sent again on a new one at once: it reads, so sending it twice does no harm.
 */
import { systemCode } from "../../../base/errors.ts";
import { UnusableAnswer } from "../failure.ts";
import type { Answer, Receiver } from "./answer.ts";
import { openLine } from "./line.ts";
import type { Line, Server, Timeouts } from "./line.ts";

export type Pool = {
  exchange(
    request: string,
    receiver: Receiver,
    signal?: AbortSignal,
  ): Promise<Answer>;
  /** Closes all connections; requests under way fail. */
  close(): void;
  /** Connections that are held, busy or kept. */
  readonly size: number;
};

export function createPool(server: Server, timeouts: Timeouts): Pool {
  const busy = new Set<Line>();
  /** The one that was used last is last, and is used first: the others may time out. */
  let kept: Line[] = [];
  let isClosed = false;

  /** P1. */
  function takeKept(): Line | undefined {
    kept = kept.filter((line) => line.isOpen());
    return kept.pop();
  }

  async function send(
    line: Line,
    ...rest: Parameters<Line["exchange"]>
  ): Promise<Answer> {
    busy.add(line);
    try {
      return await line.exchange(...rest);
    } finally {
      busy.delete(line);
      kept = kept.filter((other) => other.isOpen());
      if (isClosed) line.destroy();
      else if (line.isOpen()) kept.push(line);
    }
  }

  return {
    async exchange(request, receiver, signal) {
      signal?.throwIfAborted();
      const before = takeKept();
      if (before) {
        try {
          return await send(before, request, receiver, signal);
        } catch (thrown) {
          // P2.
          if (before.hasAnswered() || !isBreak(thrown)) throw thrown;
        }
      }
      return send(openLine(server, timeouts), request, receiver, signal);
    },
    close() {
      isClosed = true;
      for (const line of [...busy, ...kept]) line.destroy();
      kept = [];
    },
    get size() {
      return busy.size + kept.length;
    },
  };
}

function isBreak(thrown: unknown): boolean {
  return (
    thrown instanceof UnusableAnswer ||
    ["ECONNRESET", "EPIPE"].includes(systemCode(thrown) ?? "")
  );
}
