/** TLS before a server that speaks none, with a certificate of its own that nobody knows. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import * as tls from "node:tls";
import { onTestFinished } from "vitest";
import { writeCertificate } from "../certificate.ts";
import { createTemporaryFolder } from "../temporary-folder.ts";

export async function startTlsFront(endpoint: string): Promise<{
  readonly endpoint: string;
  /** PEM. */
  readonly certificate: string;
}> {
  const folder = await createTemporaryFolder();
  const { key, cert } = await writeCertificate(folder);
  const certificate = await readFile(cert, "utf8");
  const { hostname, port } = new URL(endpoint);
  const server = tls.createServer(
    { key: await readFile(key), cert: certificate },
    (socket) => {
      const behind = connect(Number(port), hostname);
      socket.pipe(behind).pipe(socket);
      socket.on("error", () => behind.destroy());
      behind.on("error", () => socket.destroy());
    },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address() as AddressInfo;
  return { endpoint: `https://127.0.0.1:${address.port}`, certificate };
}
