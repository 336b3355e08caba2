import fc from "fast-check";
import * as path from "node:path";
import { expect, test } from "vitest";
import { checkPrefix, isObjectPath } from "../../src/store/path.ts";

test("whatever is accepted stays below the folder it is joined to, on one file each", () => {
  const piece = fc.constantFrom("a", "..", ".", "/", "\\", "\0", "é", " ", "-");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const given = pieces.join("");
      if (!isObjectPath(given)) return;
      const joined = path.join("/store", given);
      expect(joined).toBe(`/store/${given}`);
      expect(path.relative("/store", joined)).toBe(given);
    }),
  );
});

test("the limits are those of names and keys: 200 and 1024 bytes, not characters", () => {
  expect(isObjectPath("é".repeat(100))).toBe(true);
  expect(isObjectPath("é".repeat(101))).toBe(false);
  const long = Array.from({ length: 512 }, () => "a").join("/");
  expect(isObjectPath(`${long}a`)).toBe(true);
  expect(isObjectPath(`${long}aa`)).toBe(false);
});

test("the empty prefix is the whole store", () => {
  expect(checkPrefix("")).toBe("");
  expect(checkPrefix("runs/a/")).toBe("runs/a/");
});
