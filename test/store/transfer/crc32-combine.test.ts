import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { combineCrc32 } from "../../../src/store/transfer/crc32-combine.ts";

test("the sum of two strings joined is zlib's, whatever their bytes and lengths", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3_000 }),
      fc.uint8Array({ maxLength: 3_000 }),
      (a, b) => {
        const combined = combineCrc32(crc32(a), crc32(b), b.byteLength);
        expect(combined).toBe(crc32(Buffer.concat([a, b])));
      },
    ),
    { numRuns: 500 },
  );
});

test("lengths of whole shards and beyond 32 bits combine as well", () => {
  const block = Buffer.alloc(8 * 1024 * 1024, 7);
  const sum = crc32(block);
  expect(combineCrc32(sum, sum, block.byteLength)).toBe(crc32(block, sum));
  // Zeros behind a string, in one step and in two.
  const zeros = (before: number, length: number): number =>
    combineCrc32(before, 0, length);
  expect(zeros(sum, 6e9)).toBe(zeros(zeros(sum, 5e9), 1e9));
});
