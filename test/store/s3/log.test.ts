/** Logs of the S3 store, which grow in segments. */
import { describe, expect, test } from "vitest";
import type { S3Store } from "../../../src/store/s3.ts";
import {
  openOn,
  start,
  text,
  thrownBy,
} from "../../support/s3-server/fixture.ts";

describe("a log in segments", () => {
  const line = (sign: string, sizeBytes: number): Uint8Array =>
    new Uint8Array(Buffer.alloc(sizeBytes, sign));

  async function fill(store: S3Store): Promise<void> {
    await store.append("logs/t.log", line("a", 300_000));
    await store.append("logs/t.log", line("b", 100_000));
    await store.append("logs/t.log", line("c", 200_000));
    await store.append("logs/t.log", line("d", 5));
  }

  test("is one object to stat, read, ranges and listings", async () => {
    const { server, store } = await start();
    await fill(store);
    expect(server.state.keys()).toEqual([
      "studies/tiny/.segments/logs/t.log/000001",
      "studies/tiny/.segments/logs/t.log/000002",
      "studies/tiny/logs/t.log",
    ]);
    expect(await store.stat("logs/t.log")).toMatchObject({
      sizeBytes: 600_005,
    });
    const whole = Buffer.from((await store.read("logs/t.log")) ?? []);
    expect(whole.byteLength).toBe(600_005);
    for (const [offset, length] of [
      [299_999, 2],
      [399_990, 20],
      [599_999, 6],
      [10, 600_000 - 20],
    ] as const)
      expect(
        whole
          .subarray(offset, offset + length)
          .equals(
            (await store.read("logs/t.log", { offset, length })) ?? whole,
          ),
      ).toBe(true);
    expect(
      await thrownBy(store.read("logs/t.log", { offset: 600_000, length: 6 })),
    ).toMatchObject({ code: "store.range" });
    const seen: unknown[] = [];
    for await (const { path, sizeBytes } of store.list("logs/"))
      seen.push([path, sizeBytes]);
    expect(seen).toEqual([["logs/t.log", 600_005]]);
    expect(await store.listFolders("")).toEqual(["logs"]);
  });

  test("is continued by another process, also where listings lag behind", async () => {
    const { server, store } = await start();
    await fill(store);
    server.setFaults(({ query }) =>
      query.has("list-type") ? { kind: "stale-list" } : null,
    );
    await openOn(server).append("logs/t.log", line("e", 7));
    server.setFaults(null);
    const whole = Buffer.from((await store.read("logs/t.log")) ?? []);
    expect(whole.subarray(-12).toString()).toBe("dddddeeeeeee");
  });

  test("sends the last segment and nothing else for a line", async () => {
    const { server, store } = await start();
    await fill(store);
    const before = server.requests.length;
    await store.append("logs/t.log", line("e", 5));
    expect(server.requests.slice(before)).toEqual([
      "PUT studies/tiny/.segments/logs/t.log/000002",
    ]);
  });

  test.each([
    ["removed", (store: S3Store) => store.remove("logs/t.log")],
    ["replaced", (store: S3Store) => store.put("logs/t.log", text("plain"))],
  ])("goes whole when it is %s, and can begin anew", async (_how, end) => {
    const { server, store } = await start();
    await fill(store);
    await end(store);
    const isLeft = (key: string): boolean => key.includes(".segments");
    expect(server.state.keys().filter(isLeft)).toEqual([]);
    const before = (await store.read("logs/t.log")) ?? new Uint8Array();
    await store.append("logs/t.log", line("n", 3));
    expect(await store.read("logs/t.log")).toEqual(
      new Uint8Array(Buffer.concat([before, line("n", 3)])),
    );
  });

  test("that grows while it is read is as long as it was when it was looked at", async () => {
    const { server, store } = await start();
    await fill(store);
    server.setFaults(({ method, key }) => {
      if (method === "GET" && key.endsWith("/000002"))
        server.state.put(key, {}, Buffer.from("ddddd and more"));
      return null;
    });
    const whole = await store.read("logs/t.log");
    expect(whole?.byteLength).toBe(600_005);
  });

  test("and a record are not one path", async () => {
    const { store } = await start();
    await store.swap("r", text("1"), null);
    await expect(store.append("r", text("x"))).rejects.toThrow(/both/);
  });
});
