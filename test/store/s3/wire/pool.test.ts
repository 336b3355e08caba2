/** Connections to a server that keeps them, breaks them, or says nothing. */
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { createPool } from "../../../../src/store/s3/wire/pool.ts";
import type { Pool } from "../../../../src/store/s3/wire/pool.ts";

const request = "GET /a HTTP/1.1\r\nhost: x\r\n\r\n";
const answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/** `serve` is called for each request, with the number of its connection and of the request on it, from 1. */
async function start(
  serve: (socket: Socket, connection: number, number: number) => void,
  idleTimeoutMs = 30_000,
): Promise<{ pool: Pool; connections(): number }> {
  let connections = 0;
  const server = createServer((socket) => {
    const connection = ++connections;
    let number = 0;
    socket.on("error", () => undefined);
    socket.on("data", () => serve(socket, connection, ++number));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const at = { protocol: "http:", hostname: "127.0.0.1", port } as const;
  const pool = createPool(at, { idleTimeoutMs, connectTimeoutMs: 5_000 });
  onTestFinished(async () => {
    pool.close();
    server.close();
    await once(server, "close");
  });
  return { pool, connections: () => connections };
}

function createReceiver(size = 5) {
  const target = new Uint8Array(new SharedArrayBuffer(size));
  let filled = 0;
  return {
    begin: () => target,
    progress(bytes: number) {
      filled += bytes;
    },
    filled: () => filled,
    text: () => Buffer.from(target).toString(),
  };
}

async function read(pool: Pool): Promise<string> {
  const receiver = createReceiver();
  await pool.exchange(request, receiver);
  return receiver.text();
}

describe("a pool of connections", () => {
  test("keeps a connection for the requests that follow", async () => {
    const { pool, connections } = await start((socket) => socket.write(answer));
    for (let i = 0; i < 5; i++) expect(await read(pool)).toBe("hello");
    expect(connections()).toBe(1);
  });

  test("opens one for each request that is under way", async () => {
    const waiting: Socket[] = [];
    const { pool, connections } = await start((socket) => {
      waiting.push(socket);
      if (waiting.length === 3) for (const each of waiting) each.write(answer);
    });
    const all = [read(pool), read(pool), read(pool)];
    expect(await Promise.all(all)).toEqual(["hello", "hello", "hello"]);
    expect(connections()).toBe(3);
  });

  test("does not use one again that the server is about to close", async () => {
    const { pool, connections } = await start((socket) =>
      socket.write(answer.replace("\r\n", "\r\nConnection: close\r\n")),
    );
    await read(pool);
    await read(pool);
    expect(connections()).toBe(2);
  });

  test("sends a request again at once if a kept connection turns out to be closed", async () => {
    const { pool, connections } = await start((socket, connection, number) =>
      connection === 1 && number === 2
        ? socket.destroy()
        : socket.write(answer),
    );
    for (let i = 0; i < 3; i++) expect(await read(pool)).toBe("hello");
    expect(connections()).toBe(2);
  });

  test("forgets connections that were closed while nobody used them", async () => {
    const { pool } = await start((socket, connection) => {
      socket.write(answer);
      // Those of the burst are closed behind their answers.
      if (connection <= 3) socket.end();
    });
    await Promise.all([read(pool), read(pool), read(pool)]);
    const sizeAfterAnother = async (): Promise<number> => {
      await read(pool);
      return pool.size;
    };
    await expect.poll(sizeAfterAnother).toBe(1);
  });

  test("does not hide that a new connection is closed without an answer", async () => {
    const { pool, connections } = await start((socket) => socket.destroy());
    await expect(read(pool)).rejects.toThrow(/closed|ECONNRESET/);
    expect(connections()).toBe(1);
  });
});

describe("a request fails", () => {
  test("when no byte comes for too long, and says so", async () => {
    const { pool } = await start(() => undefined, 50);
    await expect(read(pool)).rejects.toMatchObject({
      name: "TimeoutError",
      message: "waited 50 ms for a byte",
    });
  });

  test("when the body breaks off; what has come is known", async () => {
    const { pool } = await start((socket) => socket.end(answer.slice(0, -2)));
    const receiver = createReceiver();
    await expect(pool.exchange(request, receiver)).rejects.toThrow("closed");
    expect(receiver.filled()).toBe(3);
    expect(receiver.text()).toBe("hel\0\0");
  });

  test("when it is given up, and then not a byte more is written", async () => {
    let late: Socket | null = null;
    const { pool, connections } = await start((socket, connection) => {
      if (connection > 1) return void socket.write(answer);
      late = socket;
      socket.write(answer.slice(0, -2));
    });
    const receiver = createReceiver();
    const stop = new AbortController();
    const reading = pool.exchange(
      request,
      {
        ...receiver,
        progress: () => stop.abort(new Error("not wanted any more")),
      },
      stop.signal,
    );
    await expect(reading).rejects.toThrow("not wanted any more");
    (late as Socket | null)?.write("lo");
    // Another exchange, so that time passes.
    expect(await read(pool)).toBe("hello");
    expect(receiver.text()).toBe("hel\0\0");
    expect(connections()).toBe(2);
  });

  test("when its receiver refuses the answer, with the receiver's own error", async () => {
    const { pool } = await start((socket) => socket.write(answer));
    const refused = new Error("not this one");
    const receiver = {
      begin(): never {
        throw refused;
      },
      progress: () => undefined,
    };
    await expect(pool.exchange(request, receiver)).rejects.toBe(refused);
  });
});
