/** Reads of the S3 store over a connection that breaks, and from a bucket that lies. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { TransientError, UserError } from "../../../src/base/errors.ts";
import {
  failFirst,
  requestsFor,
  start,
  text,
  thrownBy,
  to,
  withConnection,
} from "../../support/s3-server/fixture.ts";

describe("a body that breaks off", () => {
  const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => i * 31);

  test("is continued at its byte, several times", async () => {
    const { server, store } = await start();
    await store.put("big", bytes);
    const cut = { kind: "truncate" } as const;
    failFirst(server, to("GET", "big"), cut, cut, cut, cut, cut, cut);
    // More often than there are tries: each of them got further.
    expect(await store.read("big")).toEqual(bytes);
    expect(requestsFor(server, "big").filter((m) => m === "GET").length).toBe(
      7,
    );
  });

  test.each([{}, { ignoresIfMatch: true }])(
    "is read anew if the object was replaced meanwhile: two versions never mix (server: %o)",
    async (misbehaviour) => {
      const { server, store } = await start({ misbehaviour });
      const newer = Buffer.alloc(300_000, 7);
      const key = "studies/tiny/big";
      server.state.put(key, {}, Buffer.from(bytes));
      let gets = 0;
      server.setFaults(() => {
        if (++gets > 1) return null;
        // After the first answer was made, and before it is continued.
        setImmediate(() => server.state.put(key, {}, newer));
        return { kind: "truncate" };
      });
      // A range: no checksum would tell.
      const range = { offset: 0, length: 299_999 };
      const read = Buffer.from((await store.read("big", range)) ?? []);
      expect(read.equals(newer.subarray(1))).toBe(true);
      expect(gets).toBe(3);
    },
  );

  test("that stands still is given up and continued", async () => {
    const { server, store } = await start(
      {},
      withConnection({ idleTimeoutMs: 60 }),
    );
    await store.put("big", bytes);
    failFirst(server, to("GET", "big"), { kind: "drop" });
    const range = { offset: 100, length: 250_000 };
    expect(await store.read("big", range)).toEqual(bytes.slice(100, 250_100));
  });
});

describe("a byte that changed", () => {
  test("on its way down is noticed, and the object read anew", async () => {
    const { server, store } = await start();
    await store.put("a", text("0123456789"));
    failFirst(server, to("GET", "a"), { kind: "corrupt" });
    expect(await store.read("a")).toEqual(text("0123456789"));
  });

  test("in the bucket is an error that names the object", async () => {
    const { server, store } = await start();
    await store.put("a", text("0123456789"));
    server.setFaults(() => ({ kind: "corrupt" }));
    const thrown = await thrownBy(store.read("a"));
    expect(thrown).toBeInstanceOf(UserError);
    expect(thrown).toMatchObject({
      code: "store.damaged",
      message: expect.stringContaining("'a'"),
    });
  });

  test("elsewhere each time the object is read ends at the ceiling of tries", async () => {
    const { server, store } = await start();
    await store.put("a", text("0123456789"));
    let gets = 0;
    server.setFaults(() => ({ kind: "corrupt", at: (gets++ % 10) / 10 }));
    const thrown = await thrownBy(store.read("a"));
    expect(thrown).toBeInstanceOf(TransientError);
    expect(thrown).toMatchObject({
      message: expect.stringContaining("CRC-32"),
    });
    expect(gets).toBe(4);
  });

  test("on its way up is refused by the server, and sent again", async () => {
    const { server, store } = await start();
    failFirst(server, to("PUT", "a"), { kind: "corrupt" });
    await store.put("a", text("0123456789"));
    expect(server.state.get("studies/tiny/a")?.bytes.toString()).toBe(
      "0123456789",
    );
  });
});

test("a range that does not come is asked for a second time, once it is known how long others take", async () => {
  const { server, store } = await start();
  const bytes = Uint8Array.from({ length: 1_100_000 }, (_, i) => i * 31);
  await store.put("big", bytes);
  const target = new Uint8Array(new SharedArrayBuffer(1024 * 1024));
  for (let i = 0; i < 25; i++) await store.readInto("big", 0, target);
  // For as long as the idle timeout: the test would not live to see it end.
  failFirst(server, to("GET", "big"), { kind: "drop" });
  const before = server.requests.length;
  expect(await store.readInto("big", 7, target.fill(0))).toBe(true);
  expect(Buffer.compare(target, bytes.subarray(7, 7 + target.byteLength))).toBe(
    0,
  );
  expect(requestsFor(server, "big", before)).toEqual(["GET", "GET"]);
});

test("an object that is said to be larger than any memory is refused by name, before a byte of it is taken", async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, {
      etag: '"e"',
      "content-length": "99999999999999",
    });
    response.write("a");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;
  const { store } = await start({}, withConnection({ endpoint }));
  expect(await thrownBy(store.read("vast"))).toMatchObject({
    name: "UserError",
    code: "store.too-large",
    message: expect.stringContaining("'vast'"),
  });
});
