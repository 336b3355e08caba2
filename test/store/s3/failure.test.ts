/** What the S3 store says about each kind of failure, and what it asks for again. */
import { describe, expect, onTestFinished, test } from "vitest";
import { TransientError, UserError } from "../../../src/base/errors.ts";
import type { RequestView } from "../../support/s3-server/faults.ts";
import {
  failFirst,
  requestsFor,
  start,
  text,
  thrownBy,
  to,
  withConnection,
} from "../../support/s3-server/fixture.ts";
import { startS3TestServer } from "../../support/s3-server/server.ts";

describe("what a person must mend is said at once, with a hint:", () => {
  test.each([
    [403, "AccessDenied", "store.denied"],
    [403, "InvalidAccessKeyId", "store.credentials"],
    [404, "XAdminUserNotFound", "store.credentials"],
    [403, "SignatureDoesNotMatch", "store.credentials"],
    [400, "ExpiredToken", "store.credentials"],
    [404, "NoSuchBucket", "store.no-bucket"],
    [301, "PermanentRedirect", "store.region"],
    [403, "QuotaExceeded", "store.quota"],
    [507, "InsufficientStorage", "store.full"],
    [501, "NotImplemented", "store.unsafe"],
    [403, "RequestTimeTooSkewed", "store.clock"],
  ])("%i %s is %s, by every method", async (status, code, want) => {
    const { server, store } = await start();
    server.setFaults(() => ({ kind: "refuse", status, code }));
    const calls: (() => Promise<unknown>)[] = [
      () => store.stat("a"),
      () => store.read("a"),
      () => store.listFolders(""),
      () => store.put("a", text("x")),
      () => store.remove("a"),
    ];
    for (const call of calls) {
      const thrown = await thrownBy(call());
      expect(thrown).toBeInstanceOf(UserError);
      expect(thrown).toMatchObject({
        code: want,
        hint: expect.stringMatching(/.{20}/),
        message: expect.stringContaining("s3://test-bucket/studies/tiny"),
      });
    }
  });

  test("a bucket that is not there, for a read too: it is not an absent object", async () => {
    const { store } = await start({}, () => ({ bucket: "another-bucket" }));
    for (const call of [store.stat("a"), store.read("a"), store.remove("a")])
      expect(await thrownBy(call)).toMatchObject({ code: "store.no-bucket" });
    const listed = store.list("")[Symbol.asyncIterator]().next();
    expect(await thrownBy(listed)).toMatchObject({
      message: expect.stringContaining(
        "cannot list what is in s3://another-bucket/studies/tiny",
      ),
      hint: expect.stringContaining("`source` of a shard stage"),
    });
  });

  test("an endpoint that is no URL", async () => {
    const endpoint = "localhost:9000";
    const { store } = await start({}, withConnection({ endpoint }));
    expect(await thrownBy(store.stat("a"))).toMatchObject({
      code: "store.endpoint",
    });
  });

  test("an endpoint that does not speak TLS", async () => {
    const server = await startS3TestServer();
    onTestFinished(() => server.close());
    const endpoint = server.endpoint.replace("http:", "https:");
    const { store } = await start({}, withConnection({ endpoint }));
    expect(await thrownBy(store.stat("a"))).toMatchObject({
      code: "store.certificate",
    });
  });

  test("a key that the server does not know", async () => {
    const credentials = { accessKeyId: "other", secretAccessKey: "x" };
    const { store } = await start({}, withConnection({ credentials }));
    expect(await thrownBy(store.stat("a"))).toMatchObject({
      code: "store.credentials",
      message: expect.not.stringContaining("secret"),
    });
  });
});

describe("what may pass is tried again, up to a ceiling:", () => {
  test.each([
    [500, "InternalError"],
    [409, "ExistingObjectIsDirectory"],
    [503, "SlowDown"],
    [409, "ConditionalRequestConflict"],
    [400, "RequestTimeout"],
  ])("%i %s", async (status, code) => {
    const { server, store } = await start();
    await store.put("a", text("x"));
    const fault = { kind: "refuse", status, code } as const;
    failFirst(server, to("GET", "a"), fault, fault, fault);
    expect(await store.read("a")).toEqual(text("x"));
    server.setFaults(() => fault);
    const before = server.requests.length;
    const thrown = await thrownBy(store.read("a"));
    expect(thrown).toBeInstanceOf(TransientError);
    expect(thrown).toMatchObject({
      message: expect.stringContaining("after 4 tries"),
    });
    expect(requestsFor(server, "a", before)).toHaveLength(4);
  });

  test("no server at all", async () => {
    const endpoint = "http://127.0.0.1:9";
    const { store } = await start({}, withConnection({ endpoint }));
    expect(await thrownBy(store.stat("a"))).toBeInstanceOf(TransientError);
  });

  test("a Retry-After beyond the ceiling ends the tries and is handed on", async () => {
    const { server, store } = await start();
    server.setFaults(() => ({
      kind: "refuse",
      status: 503,
      code: "SlowDown",
      retryAfter: "3600",
    }));
    expect(await thrownBy(store.stat("a"))).toMatchObject({
      retryAfterMs: 3_600_000,
    });
    expect(server.requests).toHaveLength(1);
  });

  test.each([
    [409, "ConditionalRequestConflict"],
    [400, "RequestTimeout"],
    [403, "RequestTimeTooSkewed"],
  ])(
    "%i %s to a look at an empty object, which is not taken for absent",
    async (status, code) => {
      const { server, store } = await start();
      await store.put("empty", new Uint8Array());
      const fault = { kind: "refuse", status, code } as const;
      failFirst(server, to("HEAD", "empty"), fault);
      expect(await store.stat("empty")).toMatchObject({ sizeBytes: 0 });
      failFirst(server, to("HEAD", "empty"), fault);
      await store.remove("empty");
      expect(server.state.keys()).toEqual([]);
    },
  );

  test("a page of a listing; and a listing that cannot be finished is an error", async () => {
    const { server, store } = await start({ pageSize: 2 });
    for (const name of ["a", "b", "c", "d", "e"])
      await store.put(`l/${name}`, text(name));
    const isSecondPage = ({ query }: RequestView): boolean =>
      query.has("continuation-token");
    failFirst(server, isSecondPage, { kind: "truncate" });
    const seen: string[] = [];
    for await (const { path } of store.list("l/")) seen.push(path);
    expect(seen).toEqual(["l/a", "l/b", "l/c", "l/d", "l/e"]);
    server.setFaults((request) =>
      isSecondPage(request) ? { kind: "truncate" } : null,
    );
    const listing = store.list("l/")[Symbol.asyncIterator]();
    await listing.next();
    await listing.next();
    expect(await thrownBy(listing.next())).toBeInstanceOf(TransientError);
  });
});

describe("clocks", () => {
  test("that differ by hours are no obstacle: the server's answers tell the time", async () => {
    const { store } = await start({ clockOffsetMs: 5 * 3_600_000 });
    await store.put("a", text("x"));
    expect(await store.read("a")).toEqual(text("x"));
  });
});
