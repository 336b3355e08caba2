/** A way to a server on which each connection breaks after so many bytes of answers. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";

export async function startBreakingFront(
  endpoint: string,
  afterBytes: number,
): Promise<{
  readonly endpoint: string;
  connections(): number;
  close(): Promise<void>;
}> {
  const { hostname, port } = new URL(endpoint);
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    const behind = connect(Number(port), hostname);
    const end = (): void => {
      socket.destroy();
      behind.destroy();
    };
    socket.on("error", end).on("close", end);
    behind.on("error", end).on("close", end);
    socket.pipe(behind);
    let left = afterBytes;
    behind.on("data", (chunk: Buffer) => {
      left -= chunk.byteLength;
      if (left > 0) socket.write(chunk);
      else socket.end(chunk);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    connections: () => connections,
    async close() {
      server.close();
      await once(server, "close");
    },
  };
}
