import { expect, test } from "vitest";
import { readJson } from "../../src/store/json.ts";

const read = (text: string) => readJson(new TextEncoder().encode(text));

test.each([
  ['{"a":', /not JSON/],
  ["\u0000", /not JSON/],
  ["[".repeat(101) + "]".repeat(101), /nested over 100 deep/],
  ['{"a":'.repeat(50_000), /nested over 100 deep/],
])("broken JSON is told, not thrown: %#", (text, want) => {
  expect(read(text)).toMatchObject({
    kind: "broken",
    problem: expect.stringMatching(want),
  });
});

test("bytes that are not UTF-8 are not JSON", () => {
  const bytes = Uint8Array.of(0x22, 0xff, 0x22);
  expect(readJson(bytes)).toMatchObject({ kind: "broken" });
});

test.each([
  "[".repeat(100) + "]".repeat(100),
  JSON.stringify(["[".repeat(500), '\\"[[', "\\"]),
  JSON.stringify(Array.from({ length: 500 }, () => [[]])),
])("what is wide, or has brackets in its texts, is not deep: %#", (text) => {
  expect(read(text)).toEqual({ kind: "value", value: JSON.parse(text) });
});
