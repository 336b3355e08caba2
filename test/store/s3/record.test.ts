import { expect, test } from "vitest";
import {
  isEtag,
  withNonce,
  withoutNonce,
} from "../../../src/store/s3/record.ts";

test("a record of JSON is JSON for whoever downloads it, and no two writes of it are the same bytes", () => {
  const bytes = new TextEncoder().encode('{"epoch":3}\n');
  const stored = Array.from({ length: 100 }, () =>
    Buffer.from(withNonce(bytes)).toString(),
  );
  expect(new Set(stored).size).toBe(100);
  for (const text of stored) {
    expect(JSON.parse(text)).toEqual({ epoch: 3 });
    expect(withoutNonce(Buffer.from(text))).toEqual(Buffer.from(bytes));
  }
});

test.each([
  ['"d41d8cd98f00b204e9800998ecf8427e"', true],
  ['"0c9f-3"', true],
  ["", false],
  ["../r", false],
  ['"a"x', false],
  ['"a"\r\nx-amz-acl: public-read', false],
  ['"*", "a"', false],
  ["*", false],
])("%j can be an ETag: %s", (text, want) => {
  expect(isEtag(text)).toBe(want);
});
