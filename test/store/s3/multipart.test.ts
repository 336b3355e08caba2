/** Uploads in parts that end early. */
import { describe, expect, test } from "vitest";
import { start, text, thrownBy } from "../../support/s3-server/fixture.ts";

describe("an upload in parts", () => {
  async function* fails(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1_000);
    throw new Error("the source fails");
  }

  test("that its source, or the server, ends early leaves neither object nor parts", async () => {
    const { server, store } = await start({}, () => ({ partBytes: 100 }));
    await expect(store.putStream("a", 2_000, fails())).rejects.toThrow(
      "the source fails",
    );
    server.setFaults(({ query }) =>
      query.get("partNumber") === "5"
        ? { kind: "refuse", status: 403, code: "AccessDenied" }
        : null,
    );
    async function* sound(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 20; i++) yield new Uint8Array(100);
    }
    expect(await thrownBy(store.putStream("a", 2_000, sound()))).toMatchObject({
      code: "store.denied",
    });
    expect(server.state.keys()).toEqual([]);
    expect(server.state.uploads.size).toBe(0);
  });

  test("is how bytes in memory of more than a part are written, in shared memory too", async () => {
    const { server, store } = await start({}, () => ({ partBytes: 4 }));
    const parts: (string | null)[] = [];
    server.setFaults(({ query }) => {
      if (query.has("partNumber")) parts.push(query.get("partNumber"));
      return null;
    });
    const bytes = new Uint8Array(new SharedArrayBuffer(10));
    bytes.set(text("0123456789"));
    await store.put("a", bytes);
    expect(await store.read("a")).toEqual(text("0123456789"));
    expect(new Set(parts)).toEqual(new Set(["1", "2", "3"]));
    await store.put("b", bytes.subarray(0, 4));
    expect(parts).toHaveLength(3);
  });

  test("replaces the object that was there, and refuses to replace a record", async () => {
    const { server, store } = await start({}, () => ({ partBytes: 4 }));
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield text("0123456789");
    }
    await store.put("a", text("old"));
    await store.putStream("a", 10, chunks());
    expect(await store.read("a")).toEqual(text("0123456789"));
    await store.swap("r", text("1"), null);
    await expect(store.putStream("r", 10, chunks())).rejects.toThrow(/both/);
    expect(server.state.uploads.size).toBe(0);
  });
});
