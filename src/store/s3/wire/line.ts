/**
 * One connection to a server: a request goes out, its answer comes in, then the next one may. Plain or TLS.
 *
 * L1 The socket reads into the memory that the answer names (`onread`), not into buffers of Node's: on a loopback
 *    interface, 8 MiB ranges, that is three times the bytes a CPU-second of `transformToByteArray`.
 * L2 A connection that stood still for too long, broke, or answered anything that cannot be understood is destroyed.
 */
import * as net from "node:net";
import * as tls from "node:tls";
import { UnusableAnswer } from "../failure.ts";
import { createAnswerBuffer, createAnswerReader } from "./answer.ts";
import type { Answer, AnswerReader, Receiver } from "./answer.ts";

export type Server = {
  readonly protocol: "http:" | "https:";
  readonly hostname: string;
  readonly port: number;
};

export type Timeouts = {
  /** Without a byte. */
  readonly idleTimeoutMs: number;
  readonly connectTimeoutMs: number;
};

export type Line = {
  /** Sends a request; one at a time. Rejects when the line broke, or what came could not be used: it is destroyed. */
  exchange(
    request: string,
    receiver: Receiver,
    signal: AbortSignal | undefined,
  ): Promise<Answer>;
  /** Whether it can take another request. */
  isOpen(): boolean;
  /** Whether the exchange that failed last got any answer at all. */
  hasAnswered(): boolean;
  destroy(): void;
};

export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

type Exchange = {
  readonly reader: AnswerReader;
  end(outcome: Answer | Error): void;
};

/** Connects. Between two requests the line does not keep the process alive. */
export function openLine(server: Server, timeouts: Timeouts): Line {
  const buffer = createAnswerBuffer();
  let current: Exchange | null = null;
  let hasAnswered = false;

  const socket = openSocket(server, {
    buffer: () => current?.reader.space() ?? buffer,
    callback(bytes) {
      if (current) take(current, bytes);
      // L2: nobody asked.
      else socket.destroy();
      return true;
    },
  });
  socket.setNoDelay(true);
  socket.setTimeout(timeouts.connectTimeoutMs);
  socket.once(server.protocol === "https:" ? "secureConnect" : "connect", () =>
    socket.setTimeout(timeouts.idleTimeoutMs),
  );
  socket.on("timeout", () => {
    const how = socket.connecting ? "to connect" : "for a byte";
    socket.destroy(new TimeoutError(`waited ${socket.timeout} ms ${how}`));
  });
  socket.on("error", (error) => current?.end(error));
  // The other side has ended: half a connection is of no use.
  socket.on("end", () => socket.destroy());
  socket.on("close", () =>
    current?.end(new UnusableAnswer("the connection was closed")),
  );

  function take(exchange: Exchange, bytes: number): void {
    const { reader } = exchange;
    try {
      reader.filled(bytes);
    } catch (thrown) {
      exchange.end(
        thrown instanceof Error ? thrown : new Error(String(thrown)),
      );
      return;
    }
    if (reader.answer) exchange.end(reader.answer);
  }

  return {
    isOpen: () => !socket.destroyed && current === null,
    hasAnswered: () => hasAnswered,
    destroy: () => socket.destroy(),
    exchange(request, receiver, signal) {
      const reader = createAnswerReader(receiver, buffer);
      return new Promise<Answer>((resolve, reject) => {
        const cancel = (): void => current?.end(signal?.reason);
        current = {
          reader,
          end(outcome) {
            current = null;
            hasAnswered = reader.hasBegun;
            signal?.removeEventListener("abort", cancel);
            const isUsable = !(outcome instanceof Error);
            if (!isUsable || !outcome.head.keepsAlive) socket.destroy();
            else socket.unref();
            if (isUsable) resolve(outcome);
            else reject(outcome);
          },
        };
        signal?.addEventListener("abort", cancel);
        socket.ref();
        socket.write(request, "latin1");
      });
    },
  };
}

function openSocket(server: Server, onread: net.OnReadOpts): net.Socket {
  const { hostname, port } = server;
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  if (server.protocol === "http:") return net.connect({ host, port, onread });
  // `onread` is documented, and missing from the types.
  const options: tls.ConnectionOptions & { onread: net.OnReadOpts } = {
    host,
    port,
    // Of an address there is no name to ask for.
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ["http/1.1"],
    onread,
  };
  return tls.connect(options);
}
