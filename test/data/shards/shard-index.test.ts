import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeShardIndex,
  encodeShardIndex,
  SampleClass,
  type ShardIndex,
} from "../../../src/data/shards/shard-index.ts";

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const SHARD_BYTES = 2 ** 40;

const index: fc.Arbitrary<ShardIndex> = fc.record({
  shardBytes: fc.constant(SHARD_BYTES),
  shardCrc32: u32,
  samples: fc.array(
    fc.record({
      offset: fc.integer({ min: 0, max: SHARD_BYTES - 2 ** 32 }),
      sizeBytes: u32,
      source: u32,
      label: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
      width: fc.integer({ min: 1, max: 65_535 }),
      height: fc.integer({ min: 1, max: 65_535 }),
      sampleClass: fc.constantFrom(...Object.values(SampleClass)),
      crc32: u32,
      mask: fc.option(
        fc.record({
          offset: fc.integer({ min: 0, max: SHARD_BYTES - 2 ** 32 }),
          sizeBytes: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
          crc32: u32,
        }),
      ),
    }),
    { maxLength: 20 },
  ),
});

const one: ShardIndex = {
  shardBytes: 4096,
  shardCrc32: 0xdeadbeef,
  samples: [
    {
      offset: 512,
      sizeBytes: 3085,
      source: 17,
      label: -1,
      width: 32,
      height: 48,
      sampleClass: SampleClass.png,
      crc32: 0x01020304,
      mask: { offset: 3600, sizeBytes: 260, crc32: 0x0a0b0c0d },
    },
  ],
};

describe("a shard's index", () => {
  it("comes back as it was written", () => {
    fc.assert(
      fc.property(index, (value) => {
        const decoded = decodeShardIndex(encodeShardIndex(value));
        expect(decoded).toEqual({ ok: true, index: value });
      }),
    );
  });

  it("has the documented bytes", () => {
    const bytes = Buffer.from(encodeShardIndex(one));
    expect(bytes.toString("hex").match(/.{1,32}/g)).toEqual([
      "4855454c494458000200000001000000", // magic, version 2, 1 sample
      expect.stringMatching(/^0010000000000000efbeadde.{8}$/), // size and CRC of the tar, CRC of the records
      "00020000000000000d0c000011000000", // offset 512, 3085 bytes, source 17
      "ffffffff200030000400000004030201", // label -1, 32 x 48, PNG, CRC
      "100e000000000000040100000d0c0b0a", // the mask: offset 3600, 260 bytes, CRC
    ]);
  });

  it.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ["cut in its header", (b) => b.subarray(0, 20), /cut off/],
    ["cut in a record", (b) => b.subarray(0, 60), /60 bytes instead of 80/],
    ["of another format", (b) => write(b, 0, 1), /not a shard index/],
    ["of an earlier version", (b) => write(b, 8, 1), /version 1/],
    ["with a changed record", (b) => write(b, 40, 1), /checksum/],
  ])("%s is refused with a reason", (_, damage, wantReason) => {
    const decoded = decodeShardIndex(
      damage(Buffer.from(encodeShardIndex(one))),
    );
    expect(decoded).toEqual({
      ok: false,
      reason: expect.stringMatching(wantReason),
    });
  });

  it.each([
    ["an image", 1000],
    ["a mask", 3800],
  ])(
    "that points outside its shard with %s is refused although its checksum is right",
    (_, shardBytes) => {
      const bytes = encodeShardIndex({ ...one, shardBytes });
      expect(decodeShardIndex(bytes)).toEqual({
        ok: false,
        reason: "record 0 is out of range",
      });
    },
  );

  it("of any bytes is refused or read, never thrown at", () => {
    const good = Buffer.from(encodeShardIndex(one));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 96 }), fc.nat(64), (noise, at) => {
        const bytes = Buffer.concat([good.subarray(0, at), noise]);
        expect(typeof decodeShardIndex(bytes).ok).toBe("boolean");
      }),
    );
  });
});

function write(bytes: Buffer, at: number, value: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = value;
  return changed;
}
