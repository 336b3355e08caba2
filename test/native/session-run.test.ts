/** What runs of the session addon compute and hand back. */
import { describe, expect, test } from "vitest";
import {
  FLOAT,
  feedX,
  floats,
  negate,
  placeholder,
  request,
  unary,
  useSessions,
  wrong,
} from "../support/native-session.ts";

const { addon, open } = useSessions();

describe("a run", () => {
  test("computes from feeds to fetches, with shapes and types", async () => {
    const results = await addon.run(
      open(negate),
      request({ fetches: ["y", "y:0"] }),
    );
    expect(results.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual([
      { shape: [2], dtype: FLOAT },
      { shape: [2], dtype: FLOAT },
    ]);
    expect(floats(results[0]?.data)).toEqual([-1, -2.5]);
    expect(floats(results[1]?.data)).toEqual([-1, -2.5]);
    expect(results.metadata).toBeUndefined();
  });

  test("accepts every flat type and hands the bytes back unchanged", async () => {
    const cases: [number, NodeJS.TypedArray][] = [
      [1, Float32Array.of(1.5, -2)],
      [2, Float64Array.of(1.5, -2)],
      [3, Int32Array.of(-1, 7)],
      [4, Uint8Array.of(0, 255)],
      [6, Int8Array.of(-128, 127)],
      [9, BigInt64Array.of(-1n, 2n ** 40n)],
      [10, Uint8Array.of(1, 0)],
      [14, Uint16Array.of(0x3f80, 0xc000)], // bfloat16: 1, -2
      [19, Uint16Array.of(0x3c00, 0xc000)], // float16: 1, -2
    ];
    for (const [dtype, data] of cases) {
      const session = open([
        placeholder("x", [2], dtype),
        unary("y", "Identity", "x", dtype),
      ]);
      const [result] = await addon.run(
        session,
        request({ feeds: [feedX({ dtype, data })] }),
      );
      const sent = new Uint8Array(
        data.buffer,
        data.byteOffset,
        data.byteLength,
      );
      expect(new Uint8Array(result?.data ?? new ArrayBuffer(0))).toEqual(sent);
      expect(result?.dtype).toBe(dtype);
    }
  });

  test("takes views into larger buffers, DataViews, ArrayBuffers and shared memory", async () => {
    const session = open(negate);
    const shared = new Float32Array(new SharedArrayBuffer(16), 4, 2);
    const part = new Float32Array(8).subarray(3, 5);
    const whole = new Float32Array(2);
    for (const view of [shared, part, whole]) view.set([3, 4]);
    for (const data of [
      shared,
      part,
      whole,
      whole.buffer,
      new DataView(part.buffer, 12, 8),
    ]) {
      const [result] = await addon.run(
        session,
        request({ feeds: [feedX({ data: wrong(data) })] }),
      );
      expect(floats(result?.data)).toEqual([-3, -4]);
    }
  });

  test("copies its feeds before it returns, so that the caller may reuse the buffer", async () => {
    const data = Float32Array.of(1, 2);
    const running = addon.run(
      open(negate),
      request({ feeds: [feedX({ data })] }),
    );
    data.fill(99);
    const [result] = await running;
    expect(floats(result?.data)).toEqual([-1, -2]);
  });

  test("handles scalars and empty tensors", async () => {
    const session = open([placeholder("x", null), unary("y", "Neg", "x")]);
    const run = async (shape: number[], data: Float32Array) =>
      (
        await addon.run(session, request({ feeds: [feedX({ shape, data })] }))
      )[0];
    const scalar = await run([], Float32Array.of(5));
    expect([scalar?.shape, floats(scalar?.data)]).toEqual([[], [-5]]);
    const empty = await run([0, 3], new Float32Array(0));
    expect([empty?.shape, empty?.data.byteLength]).toEqual([[0, 3], 0]);
  });

  test("returns RunMetadata when asked for it", async () => {
    const traced = Uint8Array.of(8, 3); // RunOptions.trace_level = FULL_TRACE
    const results = await addon.run(
      open(negate),
      request({ options: traced, metadata: true }),
    );
    expect(results.metadata?.byteLength).toBeGreaterThan(100);
  });

  test("keeps the event loop free: timers fire while TensorFlow computes", async () => {
    const side = 1000;
    const session = open([
      placeholder("x", [side, side]),
      {
        name: "y",
        op: "MatMul",
        inputs: ["x", "x"],
        attributes: { T: ["type", FLOAT] },
      },
      {
        name: "z",
        op: "MatMul",
        inputs: ["y", "y"],
        attributes: { T: ["type", FLOAT] },
      },
    ]);
    let turns = 0;
    const turn = () => {
      turns += 1;
      next = setImmediate(turn);
    };
    let next = setImmediate(turn);
    const data = new Float32Array(side * side);
    const feeds = [feedX({ shape: [side, side], data })];
    await addon.run(session, { feeds, fetches: [], targets: ["z"] });
    clearImmediate(next);
    // A blocking run would be over at its first turn.
    expect(turns).toBeGreaterThan(10);
  });

  test("runs may overlap on one session, and each gets its own results", async () => {
    const session = open(negate);
    const runs = Array.from({ length: 20 }, (_, k) =>
      addon.run(
        session,
        request({ feeds: [feedX({ data: Float32Array.of(-k, k) })] }),
      ),
    );
    const first = (await Promise.all(runs)).map(
      ([result]) => floats(result?.data)[0],
    );
    expect(first).toEqual(Array.from({ length: 20 }, (_, k) => k));
  });
});
