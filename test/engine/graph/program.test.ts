/** Programs: feeds, results, variables that live in the session, order of runs, resources. */
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  createProgram,
  FeedError,
  jit,
  stepFunction,
  TraceError,
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

describe("variables", () => {
  test("assign is a state update, in program order, and close brings the values back", async () => {
    const v = variable("v", [0, 0, 0]);
    const k = variable("k", [1, 1, 1]);
    const call = await jit(engine, { x: { shape: [2, 3] } }, ({ x }) => {
      const before = tf.add(v, 0);
      v.assign(tf.add(v, tf.mul(tf.mean(x, 0), k)));
      const between = tf.mul(v, 1);
      v.assign(tf.add(v, 1));
      return { before, between, v };
    });
    await call({ x: values });
    const second = await call({ x: values });
    expect([...second.before.data]).toEqual([3.5, 4.5, 5.5]);
    expect([...second.between.data]).toEqual([6, 8, 10]);
    expect([...second.v.data]).toEqual([7, 9, 11]);
    await call.program.close();
    expect(dataOf(v)).toEqual([7, 9, 11]);
    expect(dataOf(k)).toEqual([1, 1, 1]);
    tf.dispose([v, k]);
  });

  test("several functions share them, and one that only reads changes nothing", async () => {
    const w = variable("w", [1, 2, 3]);
    const program = await createProgram(engine, {
      functions: {
        train: stepFunction({ rate: { shape: [] } }, ({ rate }) => {
          w.assign(tf.sub(w, rate));
          return {};
        }),
        evaluate: stepFunction({}, () => ({ sum: tf.sum(w) })),
      },
    });
    await program.run("train", { rate: 0.5 });
    await program.run("evaluate", {});
    const { sum } = await program.run("evaluate", {});
    expect(scalarOf(sum)).toBe(4.5);
    await program.close();
    w.dispose();
  });

  test("read and write go by name, all or some, each in one run", async () => {
    const a = variable("a", [1, 2]);
    const b = variable("b", [3]);
    const call = await jit(engine, {}, () => ({
      sum: tf.add(tf.sum(a), tf.sum(b)),
    }));
    const { program } = call;
    await program.write(new Map([["a", Float32Array.of(10, 20)]]));
    const read = await program.read();
    expect([...read.keys()].toSorted()).toEqual(["a", "b"]);
    expect([...(read.get("a")?.data ?? [])]).toEqual([10, 20]);
    expect([...(await program.read(["b"])).keys()]).toEqual(["b"]);
    const { sum } = await call({});
    expect(scalarOf(sum)).toBe(33);
    await program.close();
    tf.dispose([a, b]);
  });

  test("a value that was read does not change when the variable does", async () => {
    const v = variable("snapshot", [1, 2]);
    const call = await jit(engine, {}, () => {
      v.assign(tf.add(v, 1));
      return {};
    });
    const before = await call.program.read();
    await call({});
    await call({});
    expect([...(before.get("snapshot")?.data ?? [])]).toEqual([1, 2]);
    await call.program.close();
    v.dispose();
  });

  test("a write that does not fit writes nothing", async () => {
    const a = variable("a", [1, 2]);
    const b = variable("b", [3]);
    const { program } = await jit(engine, {}, () => ({
      sum: tf.add(tf.sum(a), tf.sum(b)),
    }));
    const short = new Map([
      ["a", Float32Array.of(9, 9)],
      ["b", Float32Array.of(9, 9)],
    ]);
    await expect(program.write(short)).rejects.toThrow(
      /variable 'b' has 2 values, shape \[1\] wants 1/,
    );
    const unknown = new Map([["c", Float32Array.of(1)]]);
    await expect(program.write(unknown)).rejects.toThrow(
      /no variable 'c'; it has a, b/,
    );
    const now = await program.read();
    expect([...(now.get("a")?.data ?? [])]).toEqual([1, 2]);
    await program.close();
    tf.dispose([a, b]);
  });

  test("large constant starts are filled in the graph, with the right values", async () => {
    const zeros = tf.tidy(() => tf.variable(tf.zeros([50, 60]), true, "zeros"));
    const sevens = tf.tidy(() =>
      tf.variable(tf.mul(tf.ones([5000]), 7), true, "sevens"),
    );
    const { program } = await jit(engine, {}, () => ({
      sum: tf.add(tf.sum(zeros), tf.sum(sevens)),
    }));
    const read = await program.read();
    expect(read.get("zeros")?.data.every((x) => x === 0)).toBe(true);
    expect(read.get("zeros")?.shape).toEqual([50, 60]);
    expect(read.get("sevens")?.data.every((x) => x === 7)).toBe(true);
    await program.close();
    tf.dispose([zeros, sevens]);
  });

  test("eager code cannot read, assign or dispose one that lives in a session", async () => {
    const v = variable("resident", [1, 2]);
    const call = await jit(engine, {}, () => ({ sum: tf.sum(v) }));
    expect(() => v.dataSync()).toThrow(/'resident' lives in the session/);
    expect(() => tf.neg(v)).toThrow(TraceError);
    tf.tidy(() => v.assign(tf.tensor1d([5, 6])));
    await expect(call({})).rejects.toThrow(/'resident' was assigned by eager/);
    await call.program.close();
    expect(dataOf(v)).toEqual([5, 6]);
    v.dispose();
  });

  test("two programs cannot hold the same variable; after close another one can", async () => {
    const v = variable("shared", [1, 2]);
    const fn = () => ({ sum: tf.sum(v) });
    const first = await jit(engine, {}, fn);
    await expect(jit(engine, {}, fn)).rejects.toThrow(
      /'shared' lives in the session of another program/,
    );
    await first.program.close();
    const second = await jit(engine, {}, fn);
    expect(scalarOf((await second({})).sum)).toBe(3);
    await second.program.close();
    v.dispose();
  });
});

test("of two programs that are made at the same time only one gets a variable", async () => {
  const v = variable("contested", [1, 2]);
  const fn = () => ({ sum: tf.sum(v) });
  const made = await Promise.allSettled([1, 2].map(() => jit(engine, {}, fn)));
  expect(made.map((m) => m.status).toSorted()).toEqual([
    "fulfilled",
    "rejected",
  ]);
  for (const m of made)
    if (m.status === "rejected")
      expect(String(m.reason)).toMatch(/'contested' was changed, or taken/);
    else {
      expect(scalarOf((await m.value({})).sum)).toBe(3);
      await m.value.program.close();
    }
  expect(dataOf(v)).toEqual([1, 2]);
  v.dispose();
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
