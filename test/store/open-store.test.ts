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
  ])("by %s gives %s", (url, want) => {
    expect(openStore(url, options).url).toBe(want);
  });

  test.each([
    "s3://bucket/prefix",
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
    expect(() => openStore("ftp://ada:secret@host/x", options)).toThrow(
      expect.objectContaining({
        message: expect.not.stringContaining("secret"),
      }),
    );
  });
});
