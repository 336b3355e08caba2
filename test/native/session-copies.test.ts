/** Outputs that a run copies into shared memory: the way of a checkpoint. */
import { describe, expect, test } from "vitest";
import {
  assign,
  negate,
  placeholder,
  request,
  unary,
  useSessions,
  variable,
  wrong,
} from "../support/native-session.ts";

const { addon, open } = useSessions();

const shared = (sizeBytes: number): Uint8Array<SharedArrayBuffer> =>
  new Uint8Array(new SharedArrayBuffer(sizeBytes));
const floatsOf = (bytes: Uint8Array): number[] => [
  ...new Float32Array(bytes.slice().buffer),
];

/** What a run copies of `-data`. */
async function copyNegated(
  session: ReturnType<typeof open>,
  data: Float32Array,
): Promise<Float32Array> {
  const target = shared(data.byteLength);
  const feed = { name: "x", dtype: 1, shape: [data.length], data };
  await addon.run(session, {
    feeds: [feed],
    fetches: [],
    targets: [],
    copies: [{ name: "y", target }],
  });
  return new Float32Array(target.buffer);
}
const openNegation = (length: number) =>
  open([placeholder("x", [length]), unary("y", "Neg", "x")]);

describe("a copy", () => {
  test("is in its target when the run has ended, and is no result", async () => {
    const whole = shared(24);
    const results = await addon.run(
      open(negate),
      request({
        copies: [
          { name: "y", target: whole.subarray(0, 8) },
          { name: "y:0", target: whole.subarray(12, 20) },
        ],
      }),
    );
    expect(results).toHaveLength(1);
    expect(floatsOf(whole)).toEqual([-1, -2.5, 0, -1, -2.5, 0]);
  });

  test("of many megabytes is whole: several threads work on it", async () => {
    const length = 5_000_001;
    const data = Float32Array.from({ length }, (_, i) => i % 8191);
    const got = await copyNegated(openNegation(length), data);
    expect(got.every((value, i) => value === -(data[i] ?? NaN))).toBe(true);
  });

  test("of each of many runs at the same time is whole: they share the threads", async () => {
    const length = 1_500_001;
    const session = openNegation(length);
    const copy = async (seed: number): Promise<number> => {
      const data = Float32Array.from({ length }, (_, i) => (i + seed) % 8191);
      const got = await copyNegated(session, data);
      return got.filter((value, i) => value !== -(data[i] ?? NaN)).length;
    };
    const wrongNumbers = await Promise.all(
      Array.from({ length: 12 }, (_, seed) => copy(seed)),
    );
    expect(wrongNumbers).toEqual(Array.from({ length: 12 }, () => 0));
  });

  test("of a variable keeps its value when the variable changes", async () => {
    const session = open([
      ...variable("v", "handle", 2),
      ...assign("handle"),
      {
        name: "read",
        op: "ReadVariableOp",
        inputs: ["handle"],
        attributes: { dtype: ["type", 1] },
      },
    ]);
    const set = (...values: number[]) =>
      addon.run(session, {
        feeds: [
          { name: "x", dtype: 1, shape: [2], data: Float32Array.from(values) },
        ],
        fetches: [],
        targets: ["set"],
      });
    const target = shared(8);
    await set(1, 2);
    await addon.run(session, {
      feeds: [],
      fetches: [],
      targets: [],
      copies: [{ name: "read", target }],
    });
    await set(3, 4);
    expect(floatsOf(target)).toEqual([1, 2]);
  });

  test.each<[string, unknown, RegExp]>([
    ["an ArrayBuffer", new Uint8Array(8), /over a SharedArrayBuffer/],
    ["no typed array", new SharedArrayBuffer(8), /over a SharedArrayBuffer/],
    ["nothing", undefined, /over a SharedArrayBuffer/],
  ])("into %s is refused before the run", (_what, target, message) => {
    const copies = [{ name: "y", target: wrong(target) }];
    expect(() => addon.run(open(negate), request({ copies }))).toThrow(message);
  });

  test.each([0, 4, 12])(
    "into a target of %d bytes for 8 fails, and nothing is written",
    async (sizeBytes) => {
      const target = shared(sizeBytes);
      const copies = [{ name: "y", target }];
      const run = addon.run(open(negate), request({ copies }));
      await expect(run).rejects.toMatchObject({
        code: "TF3",
        message: expect.stringContaining("the output has 8 bytes"),
      });
      expect(target.every((byte) => byte === 0)).toBe(true);
    },
  );

  test.each<[string, unknown]>([
    ["no list", 7],
    ["no objects", [7]],
    ["no such output", [{ name: "q", target: shared(8) }]],
    ["no name", [{ target: shared(8) }]],
  ])("list that is wrong (%s) is refused", (_what, copies) => {
    const session = open(negate);
    expect(() =>
      addon.run(session, request({ copies: wrong(copies) })),
    ).toThrow(Error);
  });
});
