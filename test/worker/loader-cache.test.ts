import { describe, expect, it } from "vitest";
import { toLoaderCache } from "../../src/worker/loader-cache.ts";

describe("a worker's cache", () => {
  it.each([
    ["no folder", {}, null],
    ["a size without a folder", { HUELINE_CACHE_SIZE: "1Gi" }, null],
    [
      "a folder",
      { HUELINE_CACHE: "/cache" },
      { directory: "/cache", maxBytes: 20 * 2 ** 30 },
    ],
    [
      "a folder and a size",
      { HUELINE_CACHE: "/cache", HUELINE_CACHE_SIZE: "1.5Gi" },
      { directory: "/cache", maxBytes: 1.5 * 2 ** 30 },
    ],
  ])("is what the environment says: %s", (_, variables, want) => {
    expect(toLoaderCache(variables)).toEqual(want);
  });

  it("is refused with a size that is none", () => {
    const variables = { HUELINE_CACHE: "/cache", HUELINE_CACHE_SIZE: "much" };
    expect(() => toLoaderCache(variables)).toThrow(
      /such as 200Gi in HUELINE_CACHE_SIZE; found 'much'/,
    );
  });
});
