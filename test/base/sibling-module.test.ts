import { describe, expect, it } from "vitest";
import { siblingModule } from "../../src/base/sibling-module.ts";

describe("a sibling module", () => {
  it.each([
    ["file:///a/src/data/open.ts", "file:///a/src/data/thread.ts"],
    ["file:///a/dist/data/open.js", "file:///a/dist/data/thread.js"],
    ["file:///a/v1.2/open.js?x=1", "file:///a/v1.2/thread.js"],
  ])("of %s has its folder and extension", (url, want) => {
    expect(siblingModule(url, "thread").href).toBe(want);
  });
});
