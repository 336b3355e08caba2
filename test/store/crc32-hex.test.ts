import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { crc32Hex } from "../../src/store/crc32-hex.ts";

test("a sum has eight digits, also a small one", () => {
  expect(crc32Hex(crc32("123456789"))).toBe("cbf43926");
  expect(crc32Hex(0x2a)).toBe("0000002a");
});
