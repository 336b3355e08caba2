import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UserError } from "../../../src/base/errors.ts";
import type { TensorData } from "../../../src/store/artifacts/safetensors-header.ts";
import { elementBytes } from "../../../src/store/artifacts/safetensors-header.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  layOutSafetensors,
  toFloat32Array,
} from "../../../src/store/artifacts/safetensors.ts";

function floats(...values: readonly number[]): TensorData {
  const bytes = new Uint8Array(Float32Array.from(values).buffer);
  return { dtype: "F32", shape: [values.length], bytes };
}

/** A file with any header text. */
function fileOf(header: unknown, dataBytes = 0, length?: bigint): Uint8Array {
  const text = Buffer.from(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const bytes = Buffer.alloc(8 + text.byteLength + dataBytes);
  bytes.writeBigUInt64LE(length ?? BigInt(text.byteLength), 0);
  text.copy(bytes, 8);
  return bytes;
}

const entry = (begin: number, end: number, more: object = {}) => ({
  dtype: "U8",
  shape: [end - begin],
  data_offsets: [begin, end],
  ...more,
});

const anyTensor = fc
  .record({
    dtype: fc.constantFrom(
      ...(Object.keys(elementBytes) as TensorData["dtype"][]),
    ),
    shape: fc.array(fc.nat(4), { maxLength: 4 }),
  })
  .chain(({ dtype, shape }) => {
    const size = shape.reduce((a, b) => a * b, elementBytes[dtype]);
    return fc
      .uint8Array({ minLength: size, maxLength: size })
      .map((bytes): TensorData => ({ dtype, shape, bytes }));
  });
const anyName = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("__proto__", "constructor", "1", '"', "\\", ""),
);
const anyTensors = fc
  .array(fc.tuple(anyName, anyTensor), { maxLength: 6 })
  .map((pairs) => new Map(pairs));

describe("what was encoded", () => {
  test("is decoded to the same tensors, names and metadata", () => {
    const metadata = fc.dictionary(anyName, fc.string(), { maxKeys: 3 });
    fc.assert(
      fc.property(anyTensors, metadata, (tensors, words) => {
        const decoded = decodeSafetensors(encodeSafetensors(tensors, words));
        expect(new Map(decoded.tensors)).toEqual(tensors);
        expect({ ...decoded.metadata }).toEqual({ ...words });
      }),
    );
  });

  test("has each tensor aligned to its elements, whatever the others are", () => {
    fc.assert(
      fc.property(anyTensors, (tensors) => {
        const decoded = decodeSafetensors(encodeSafetensors(tensors));
        for (const { dtype, bytes } of decoded.tensors.values())
          expect(bytes.byteOffset % elementBytes[dtype]).toBe(0);
      }),
    );
  });

  test("does not depend on the order in which tensors were given", () => {
    fc.assert(
      fc.property(anyTensors, (tensors) => {
        const reversed = new Map([...tensors].reverse());
        expect(encodeSafetensors(reversed)).toEqual(encodeSafetensors(tensors));
      }),
    );
  });

  test("is these bytes: length, header padded with spaces to 8, data", () => {
    const file = Buffer.from(
      encodeSafetensors(new Map([["w", floats(1, -2)]])),
    );
    const header =
      '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'.padEnd(56);
    expect(file.readBigUInt64LE(0)).toBe(56n);
    expect(file.subarray(8, 64).toString()).toBe(header);
    expect(file.subarray(64).toString("hex")).toBe("0000803f000000c0");
  });

  test("laid out is the same file, for numbers that come later", () => {
    const tensors = new Map([
      ["w", floats(1, 2, 3)],
      ["b", floats(4)],
    ]);
    const layout = layOutSafetensors(tensors);
    const file = new Uint8Array(layout.sizeBytes);
    file.set(layout.header);
    for (const { name, begin, end } of layout.tensors) {
      const { bytes } = tensors.get(name) ?? floats();
      expect(end - begin).toBe(bytes.byteLength);
      file.set(bytes, begin);
    }
    expect(file).toEqual(encodeSafetensors(tensors));
  });

  test("must have as many bytes as its shape says", () => {
    const wrong: TensorData = { ...floats(1, 2), shape: [3] };
    expect(() => encodeSafetensors(new Map([["w", wrong]]))).toThrow(
      /needs 12 bytes and has 8/,
    );
  });
});

describe("a decoded tensor", () => {
  test("is a view of the file, also as numbers", () => {
    const file = encodeSafetensors(new Map([["w", floats(1, 2)]]));
    const tensor = decodeSafetensors(file).tensors.get("w");
    const numbers = toFloat32Array(tensor ?? floats());
    expect(numbers).toEqual(Float32Array.from([1, 2]));
    expect(numbers.buffer).toBe(file.buffer);
  });

  test("is copied to numbers where the file lies askew in memory", () => {
    const file = encodeSafetensors(new Map([["w", floats(1, 2)]]));
    const askew = new Uint8Array(file.byteLength + 1).subarray(1);
    askew.set(file);
    const tensor = decodeSafetensors(askew).tensors.get("w");
    expect(toFloat32Array(tensor ?? floats())).toEqual(
      Float32Array.from([1, 2]),
    );
  });

  test("is not read as numbers of another type", () => {
    const whole: TensorData = { ...floats(1), dtype: "I32" };
    expect(() => toFloat32Array(whole)).toThrow(/I32 was read as/);
  });
});

describe("a hostile file is refused:", () => {
  test.each<[string, Uint8Array, RegExp]>([
    ["shorter than its length", new Uint8Array(7), /fewer than 8/],
    ["an endless header", fileOf("{}", 0, 2n ** 63n), /is over/],
    ["a header past the end", fileOf("{}", 0, 3n), /ends after/],
    ["a header that is an array", fileOf("[]"), /does not start/],
    ["an empty header", fileOf(""), /does not start/],
    ["cut JSON", fileOf('{"a":'), /not JSON/],
    ["text that is not UTF-8", fileOf("{}").fill(0xff, 9), /not JSON/],
    [
      "JSON nested 10,000 deep",
      fileOf(`{"a":${"[".repeat(10_000)}`),
      /nests too deep/,
    ],
    ["a brace inside a name", fileOf('{"a{[{[":1}'), /'a\{/],
    [
      "one name twice",
      fileOf(
        '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}',
        2,
      ),
      /'a' stands there twice/,
    ],
    [
      "one name twice, once in disguise",
      fileOf(
        '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0061" :{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}',
        2,
      ),
      /'a' stands there twice/,
    ],
    [
      "one field twice",
      fileOf(
        '{"a":{"dtype":"U8","dtype":"F32","shape":[0],"data_offsets":[0,0]}}',
      ),
      /'dtype' stands there twice/,
    ],
    ["a gap", fileOf({ a: entry(1, 2) }, 2), /begins at byte 1/],
    [
      "an overlap",
      fileOf({ a: entry(0, 2), b: entry(1, 3) }, 3),
      /begins at byte 1/,
    ],
    ["a rest", fileOf({ a: entry(0, 2) }, 3), /fill 2 of 3/],
    ["data past the end", fileOf({ a: entry(0, 9) }, 3), /fill 9 of 3/],
    [
      "an end before its begin",
      fileOf({ a: entry(0, 1, { data_offsets: [1, 0] }) }, 1),
      /does not fill/,
    ],
    [
      "a shape of another size",
      fileOf({ a: entry(0, 2, { shape: [3] }) }, 2),
      /does not fill/,
    ],
    [
      "a shape whose product overflows",
      fileOf({ a: entry(0, 0, { shape: [2 ** 40, 2 ** 40] }) }),
      /does not fill/,
    ],
    [
      "a negative offset",
      fileOf({ a: entry(0, 0, { data_offsets: [-1, -1] }) }),
      /data_offsets/,
    ],
    ["a fraction", fileOf({ a: entry(0, 1, { shape: [0.5, 2] }) }, 1), /shape/],
    [
      "an unknown type",
      fileOf({ a: entry(0, 1, { dtype: "F8" }) }, 1),
      /dtype/,
    ],
    ["an unknown field", fileOf({ a: entry(0, 1, { x: 1 }) }, 1), /'a'/],
    ["no entry at all", fileOf({ a: null }), /'a'/],
    ["metadata of numbers", fileOf({ __metadata__: { a: 1 } }), /__metadata__/],
    ["metadata in a list", fileOf({ __metadata__: ["a"] }), /__metadata__/],
    ["no metadata", fileOf({ __metadata__: null }), /__metadata__/],
  ])("%s", (_what, bytes, want) => {
    expect(() => decodeSafetensors(bytes)).toThrow(
      expect.objectContaining({
        code: "safetensors.invalid",
        message: expect.stringMatching(want),
      }),
    );
  });

  test("any change to any byte of a file gives tensors or a UserError, nothing else", () => {
    const sound = encodeSafetensors(
      new Map([
        ["conv1/weight", floats(1, 2, 3)],
        ["mask", { dtype: "BOOL", shape: [2, 1], bytes: Uint8Array.of(0, 1) }],
      ]),
      { format: "pt" },
    );
    const anyChange = fc.tuple(fc.nat(sound.byteLength - 1), fc.nat(255));
    fc.assert(
      fc.property(
        fc.array(anyChange, { minLength: 1, maxLength: 4 }),
        fc.nat(sound.byteLength),
        (changes, cut) => {
          const bytes = new Uint8Array(sound).subarray(
            0,
            cut === 0 ? undefined : cut,
          );
          for (const [at, value] of changes)
            if (at < bytes.byteLength) bytes[at] = value;
          expectSoundOrRefused(bytes);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

function expectSoundOrRefused(bytes: Uint8Array): void {
  try {
    for (const { dtype, shape, bytes: data } of decodeSafetensors(
      bytes,
    ).tensors.values())
      expect(data.byteLength).toBe(
        shape.reduce((a, b) => a * b, elementBytes[dtype]),
      );
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    expect(thrown.code).toBe("safetensors.invalid");
  }
}
