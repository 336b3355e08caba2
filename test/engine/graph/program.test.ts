/** Programs: feeds, results, order of runs, resources. */
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  createProgram,
  FeedError,
  jit,
  stepFunction,
} from "../../../src/engine/engine.ts";
import { scalarOf, testEngine } from "../../support/engine.ts";

const engine = testEngine();
const values = Float32Array.of(1, 2, 3, 4, 5, 6);

let tensorsBefore = 0;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors, "tensors left behind").toBe(tensorsBefore);
});

const variable = (name: string, start: number[]): tf.Variable =>
  tf.tidy(() => tf.variable(tf.tensor1d(start), true, name));
const dataOf = (t: tf.Tensor): number[] => [...t.dataSync()];

describe("feeds and results", () => {
  const step = () =>
    jit(
      engine,
      {
        x: { shape: [2, 3] },
        k: { shape: [2], dtype: "int32" },
        on: { shape: [], dtype: "bool" },
        rate: { shape: [] },
      },
      ({ x, k, on, rate }) => ({
        y: tf.mul(x, rate),
        k: tf.add(k, tf.scalar(1, "int32")),
        on: tf.logicalNot(on),
      }),
    );
  const good = { x: values, k: Int32Array.of(7, 8), on: 1, rate: 2 };

  test("typed arrays and numbers go in, typed arrays with shapes come out", async () => {
    const call = await step();
    const { y, k, on } = await call(good);
    expect(y).toEqual({
      data: Float32Array.of(2, 4, 6, 8, 10, 12),
      shape: [2, 3],
      dtype: "float32",
    });
    expect(k.data).toEqual(Int32Array.of(8, 9));
    expect(on).toEqual({ data: Uint8Array.of(0), shape: [], dtype: "bool" });
    await call.program.close();
  });

  test("eager tensors are read and stay as they are", async () => {
    const call = await step();
    const x = tf.tensor2d(values, [2, 3]);
    const { y } = await call({ ...good, x });
    expect([...y.data]).toEqual([2, 4, 6, 8, 10, 12]);
    expect(dataOf(x)).toEqual([...values]);
    x.dispose();
    await call.program.close();
  });

  test("bytes arrive as float32", async () => {
    const call = await jit(
      engine,
      { image: { shape: [2, 3], dtype: "uint8" } },
      ({ image }) => ({ mean: tf.mean(tf.div(image, 255), 0) }),
    );
    const image = Uint8Array.of(0, 51, 102, 255, 255, 255);
    const { mean } = await call({ image });
    expect(mean.data[1]).toBeCloseTo(0.6, 6);
    await call.program.close();
  });

  test.each([
    ["a missing input", { x: undefined }, /call: input 'x' is missing/],
    ["an unknown input", { z: 1 }, /no input 'z'; inputs are 'x', 'k'/],
    ["too few values", { x: new Float32Array(5) }, /'x' has 5 values.*wants 6/],
    ["another type of array", { x: new Int32Array(6) }, /Int32Array.*wants/],
    ["a number for an array", { x: 3 }, /'x' is a number, traced as \[2,3\]/],
    ["a fraction for an integer", { on: 0.5 }, /'on' is 0.5/],
  ])("%s is refused", async (_, wrong, wantMessage) => {
    const call = await step();
    const feeds = { ...good, ...wrong } as typeof good;
    expect(() => call(feeds)).toThrow(FeedError);
    expect(() => call(feeds)).toThrow(wantMessage);
    await call.program.close();
  });

  test("a tensor of another shape is refused", async () => {
    const call = await step();
    const x = tf.zeros([3, 2]);
    expect(() => call({ ...good, x })).toThrow(
      /float32 \[3,2\], traced as float32 \[2,3\]/,
    );
    x.dispose();
    await call.program.close();
  });
});

describe("runs", () => {
  test("happen one after another in the order of the calls", async () => {
    const v = variable("counter", [0]);
    const call = await jit(engine, { by: { shape: [] } }, ({ by }) => {
      v.assign(tf.add(tf.mul(v, 2), by));
      return { v };
    });
    const results = await Promise.all([1, 2, 3, 4].map((by) => call({ by })));
    expect(results.map((r) => r.v.data[0])).toEqual([1, 4, 11, 26]);
    await call.program.close();
    v.dispose();
  });

  test("leave the event loop free", async () => {
    const call = await jit(engine, { x: { shape: [1500, 1500] } }, ({ x }) => {
      let y: tf.Tensor2D = x;
      for (let k = 0; k < 4; k += 1) y = tf.matMul(y, x);
      return { sum: tf.sum(y) };
    });
    let ticks = 0;
    const ticking = setInterval(() => (ticks += 1), 1);
    await call({ x: new Float32Array(1500 * 1500) });
    clearInterval(ticking);
    expect(ticks).toBeGreaterThan(2);
    await call.program.close();
  });

  test("that exceed their time limit fail as transient, and the program goes on", async () => {
    const call = await jit(
      engine,
      { x: { shape: [1500, 1500] }, n: { shape: [] } },
      ({ x, n }) => {
        let y: tf.Tensor2D = tf.mul(x, n);
        for (let k = 0; k < 8; k += 1) y = tf.matMul(y, x);
        return { sum: tf.sum(y) };
      },
    );
    const feeds = { x: new Float32Array(1500 * 1500), n: 1 };
    await expect(call(feeds, { timeoutMs: 1 })).rejects.toMatchObject({
      name: "TransientError",
      code: "engine.timeout",
    });
    expect(scalarOf((await call(feeds)).sum)).toBe(0);
    await call.program.close();
  });

  test("can be profiled", async () => {
    const call = await jit(engine, { x: { shape: [] } }, ({ x }) => ({
      y: tf.sin(x),
    }));
    const profiles: Uint8Array[] = [];
    await call({ x: 1 }, { onMetadata: (bytes) => profiles.push(bytes) });
    const [profile] = profiles;
    expect(Buffer.from(profile ?? []).toString("latin1")).toMatch(/call\/Sin/);
    await call.program.close();
  });

  test("are refused after close, which can be repeated", async () => {
    const call = await jit(engine, { x: { shape: [] } }, ({ x }) => ({
      y: tf.neg(x),
    }));
    const last = call({ x: 1 });
    await Promise.all([call.program.close(), call.program.close()]);
    expect(scalarOf((await last).y)).toBe(-1);
    await expect(call({ x: 1 })).rejects.toThrow(/program is closed/);
  });

  test("a thousand of them leave no tensor and no memory behind", async () => {
    const v = variable("steady", [0, 0, 0]);
    const call = await jit(engine, { x: { shape: [64, 1024] } }, ({ x }) => {
      v.assign(tf.add(v, 1));
      return { y: tf.mul(x, 2), sum: tf.sum(v) };
    });
    const x = new Float32Array(64 * 1024);
    for (let k = 0; k < 200; k += 1) await call({ x });
    const [tensors, bytes] = [
      tf.memory().numTensors,
      process.memoryUsage.rss(),
    ];
    for (let k = 0; k < 1000; k += 1) await call({ x });
    expect(tf.memory().numTensors).toBe(tensors);
    // Each run feeds and fetches 256 kB: a leak of either would be 250 MB.
    expect(process.memoryUsage.rss() - bytes).toBeLessThan(120e6);
    await call.program.close();
    expect(dataOf(v)).toEqual([1200, 1200, 1200]);
    v.dispose();
  });
});

test("session options and a time limit for all runs are taken", async () => {
  const program = await createProgram(engine, {
    functions: {
      call: stepFunction({ x: { shape: [2] } }, ({ x }) => ({ y: tf.neg(x) })),
    },
    session: { intraOpThreads: 1, interOpThreads: 1, gpuGrowth: true },
    timeoutMs: 60_000,
  });
  const { y } = await program.run("call", { x: Float32Array.of(1, 2) });
  expect([...y.data]).toEqual([-1, -2]);
  await program.close();
});

test("the program says how large it is and how long it took", async () => {
  const v = variable("counted", [0]);
  const { program } = await jit(engine, {}, () => ({ y: tf.add(v, 1) }));
  expect(program.info).toMatchObject({ variables: 1 });
  expect(program.info.nodes).toBeGreaterThan(5);
  expect(program.info.graphBytes).toBeGreaterThan(100);
  expect(program.info.traceMs + program.info.loadMs).toBeGreaterThan(0);
  await program.close();
  v.dispose();
});
