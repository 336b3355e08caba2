/** Writes of the S3 store: which of them were done, when the answer does not tell. */
import { describe, expect, test } from "vitest";
import type { Fault } from "../../support/s3-server/faults.ts";
import {
  failFirst,
  openOn,
  requestsFor,
  start,
  text,
  to,
  withConnection,
} from "../../support/s3-server/fixture.ts";

describe("a write whose answer was lost is known again by its token:", () => {
  const lost: readonly Fault[] = [
    { kind: "reset", when: "after" },
    { kind: "lost", status: 500, code: "InternalError" },
    { kind: "delay", ms: 250 },
  ];
  test.each(lost)("putIfAbsent, $kind", async (fault) => {
    const { server, store } = await start(
      {},
      withConnection({ idleTimeoutMs: 80 }),
    );
    failFirst(server, to("PUT", "m"), fault);
    expect(await store.putIfAbsent("m", text("ours"))).toBe("written");
    expect(await store.read("m")).toEqual(text("ours"));
  });

  test.each(lost)("swap, $kind", async (fault) => {
    const { server, store } = await start(
      {},
      withConnection({ idleTimeoutMs: 80 }),
    );
    failFirst(server, to("PUT", "r"), fault);
    const first = await store.swap("r", text("1"), null);
    const read = await store.readRecord("r");
    expect(first).toEqual({ kind: "written", etag: read?.etag });
    failFirst(server, to("PUT", "r"), fault);
    const second = await store.swap("r", text("2"), read?.etag ?? null);
    expect(second.kind).toBe("written");
    expect((await store.readRecord("r"))?.bytes).toEqual(text("2"));
  });

  test("but another writer's object of the same bytes is not taken for ours", async () => {
    const { server, store } = await start();
    const other = openOn(server);
    await other.putIfAbsent("m", text("same"));
    failFirst(server, to("PUT", "m"), { kind: "reset", when: "before" });
    expect(await store.putIfAbsent("m", text("same"))).toBe("exists");
  });

  test("the completion of an upload in parts", async () => {
    const { server, store } = await start({}, () => ({ partBytes: 10 }));
    const lost = { kind: "lost", status: 500, code: "InternalError" } as const;
    failFirst(server, to("POST", "large"), lost, {
      kind: "reset",
      when: "after",
    });
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield text("0123456789abcdefghij");
      yield text("klm");
    }
    await store.putStream("large", 23, chunks());
    expect(await store.read("large")).toEqual(text("0123456789abcdefghijklm"));
  });
});

describe("a late duplicate of a write does not undo a later one:", () => {
  test("put", async () => {
    const { server, store } = await start(
      {},
      withConnection({ idleTimeoutMs: 300 }),
    );
    await store.put("status", text("old"));
    // The first PUT expects no object and is refused; the second one names the old one, and comes late.
    const isPut = to("PUT", "status");
    let puts = 0;
    server.setFaults((request) =>
      isPut(request) && ++puts === 2 ? { kind: "delay", ms: 900 } : null,
    );
    await store.put("status", text("first"));
    server.setFaults(null);
    await store.put("status", text("second"));
    expect(puts).toBe(3);
    const before = server.requests.length;
    // The late request is over when one that began after it, and waits as long, is answered.
    failFirst(server, to("GET", "status"), { kind: "delay", ms: 900 });
    const patient = openOn(server);
    expect(await patient.read("status")).toEqual(text("second"));
    expect(requestsFor(server, "status", before)).toEqual(["GET"]);
  });
});

test("an object that another program put there is read, stated and replaced", async () => {
  const { server, store } = await start();
  server.state.put("studies/tiny/theirs", {}, Buffer.from("theirs"));
  server.state.put("studies/tiny/folder/", {}, Buffer.alloc(0));
  expect(await store.read("theirs")).toEqual(text("theirs"));
  const paths: string[] = [];
  for await (const { path } of store.list("")) paths.push(path);
  expect(paths).toEqual(["theirs"]);
  await store.put("theirs", text("ours"));
  expect(await store.read("theirs")).toEqual(text("ours"));
});

test("opening a store sends nothing", async () => {
  const { server } = await start();
  expect(server.requests).toEqual([]);
});
