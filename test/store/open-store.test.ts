import { describe, expect, test } from "vitest";
import { openStore } from "../../src/store/open-store.ts";

const options = { currentFolder: "/home/ada" };

describe("opening a store", () => {
  test.each([
    ["file:///data/store", "file:///data/store"],
    ["file:///data/a%20b/", "file:///data/a%20b"],
    [".hueline", "file:///home/ada/.hueline"],
    ["/data/../srv/store", "file:///srv/store"],
    ["memory:", "memory:"],
    ["s3://bucket", "s3://bucket"],
    ["s3://bucket/", "s3://bucket"],
    ["s3://my.bucket-1/studies/tiny/", "s3://my.bucket-1/studies/tiny"],
    ["S3://bucket/a%20b", "s3://bucket/a%20b"],
  ])("by %s gives %s", (url, want) => {
    expect(openStore(url, options).url).toBe(want);
  });

  test.each([
    "s3:bucket/prefix",
    "s3://",
    "s3://Bucket/prefix",
    "s3://bucket/../other",
    "s3://bucket//prefix",
    "s3://bucket/.hidden",
    "https://host/x",
    "",
    "file:relative",
    "file://host/share",
    "a\0b",
  ])("by %j is refused with what exists", (url) => {
    expect(() => openStore(url, options)).toThrow(
      expect.objectContaining({
        code: "store.url",
        exitCode: 64,
        hint: expect.stringContaining("file:///"),
      }),
    );
  });

  test("never shows a password that stands in a URL", () => {
    for (const scheme of ["ftp", "s3"])
      expect(() => openStore(`${scheme}://ada:secret@host/x`, options)).toThrow(
        expect.objectContaining({
          code: "store.url",
          message: expect.not.stringContaining("secret"),
        }),
      );
  });
});
