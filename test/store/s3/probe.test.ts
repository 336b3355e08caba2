/** What the S3 store finds out about a server, and what it refuses. */
import { describe, expect, test } from "vitest";
import { start, text, thrownBy } from "../../support/s3-server/fixture.ts";

describe("a server that is not safe to write to is refused with what it did:", () => {
  test.each([
    [{ ignoresIfNoneMatch: true }, /ignores `If-None-Match`/],
    [{ ignoresIfMatch: true }, /ignores `If-Match`/],
    [{ losesMetadata: true }, /loses the metadata/],
  ])("%o", async (misbehaviour, words) => {
    const { server, store } = await start({ misbehaviour });
    for (const write of [
      () => store.put("a", text("x")),
      () => store.putIfAbsent("a", text("x")),
      () => store.swap("a", text("x"), null),
      () => store.append("a", text("x")),
    ])
      expect(await thrownBy(write())).toMatchObject({
        code: "store.unsafe",
        message: expect.stringMatching(words),
      });
    // Reading is fine, and nothing is left of the probe.
    expect(await store.read("a")).toBeNull();
    expect(server.state.keys()).toEqual([]);
  });

  test("one that stores other bytes than it was given", async () => {
    const { server, store } = await start({
      misbehaviour: { ignoresChecksums: true, cutsBytes: 1 },
    });
    expect(await thrownBy(store.put("a", text("12345")))).toMatchObject({
      code: "store.unsafe",
      message: expect.stringContaining("stored 4 bytes for the 5"),
    });
    expect(server.state.keys()).toEqual([]);
  });

  test("one that ignores ranges is refused for reading them", async () => {
    const { store } = await start({ misbehaviour: { ignoresRanges: true } });
    await store.put("a", text("12345"));
    expect(
      await thrownBy(store.read("a", { offset: 1, length: 2 })),
    ).toMatchObject({ code: "store.unsafe" });
  });

  test("one that knows no conditional removal is written to, and removes", async () => {
    const { server, store } = await start({
      misbehaviour: { lacksConditionalRemoval: true },
    });
    await store.put("a", text("1"));
    await store.remove("a");
    expect(server.state.keys()).toEqual([]);
    expect(await store.probe()).toMatchObject({ conditionalRemoval: false });
  });

  test("the first write costs eight requests more, once", async () => {
    const { server, store } = await start();
    await store.put("a", text("1"));
    expect(server.requests).toHaveLength(9);
    await store.put("b", text("1"));
    expect(server.requests).toHaveLength(10);
  });

  test("a probe finds out what a server lacks, and leaves nothing behind", async () => {
    const { server, store } = await start({
      misbehaviour: {
        ignoresRanges: true,
        ignoresChecksums: true,
        ignoresUploadConditions: true,
      },
    });
    expect(await store.probe()).toEqual({
      ifNoneMatch: true,
      ifMatch: true,
      metadata: true,
      checksums: false,
      ranges: false,
      conditionalReads: true,
      conditionalRemoval: true,
      conditionalUploads: false,
    });
    expect(server.state.keys()).toEqual([]);
    expect(server.state.uploads.size).toBe(0);
  });
});
