/** An address of its own before a server, for a test: it counts connections, and what is behind it may change. */
import { once } from "node:events";
import * as net from "node:net";
import { onTestFinished } from "vitest";

export type TcpFront = {
  readonly port: number;
  /** How many connections were made so far. */
  connections(): number;
  /** New connections go there from now on, and those that stand break. */
  moveTo(url: string): void;
};

export async function startTcpFront(url: string): Promise<TcpFront> {
  let behind = new URL(url);
  let connections = 0;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    connections++;
    sockets.add(socket);
    const onward = net.connect(Number(behind.port), behind.hostname);
    socket.pipe(onward).pipe(socket);
    socket.on("error", () => onward.destroy());
    onward.on("error", () => socket.destroy());
    socket.on("close", () => {
      onward.destroy();
      sockets.delete(socket);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    breakAll();
    server.close();
  });
  return {
    port: (server.address() as net.AddressInfo).port,
    connections: () => connections,
    moveTo(next) {
      behind = new URL(next);
      breakAll();
    },
  };
}
