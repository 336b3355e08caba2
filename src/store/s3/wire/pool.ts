/**
 * Connections to one server, kept for the next request. How many there are follows from how many requests are under way
 * at once, which the gate bounds.
 *
 * A server may close a connection in the moment in which it is used again. A request that got no answer at all on such a
 * one is sent again on a new one at once: it reads, so sending it twice does no harm.
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
  /** Closes all connections. */
  close(): void;
};

export function createPool(server: Server, timeouts: Timeouts): Pool {
  const lines = new Set<Line>();
  let isClosed = false;

  function findOpen(): Line | null {
    for (const line of lines) if (line.isOpen()) return line;
    return null;
  }

  /** Not counted among those that are kept until it has shown that it answers. */
  async function send(
    line: Line,
    ...rest: Parameters<Line["exchange"]>
  ): Promise<Answer> {
    lines.add(line);
    try {
      return await line.exchange(...rest);
    } finally {
      if (!line.isOpen() || isClosed) {
        line.destroy();
        lines.delete(line);
      }
    }
  }

  return {
    async exchange(request, receiver, signal) {
      signal?.throwIfAborted();
      const kept = findOpen();
      if (kept) {
        try {
          return await send(kept, request, receiver, signal);
        } catch (thrown) {
          if (kept.hasAnswered() || !isBreak(thrown)) throw thrown;
        }
      }
      return send(openLine(server, timeouts), request, receiver, signal);
    },
    close() {
      isClosed = true;
      for (const line of lines) line.destroy();
      lines.clear();
    },
  };
}

function isBreak(thrown: unknown): boolean {
  return (
    thrown instanceof UnusableAnswer ||
    ["ECONNRESET", "EPIPE"].includes(systemCode(thrown) ?? "")
  );
}
