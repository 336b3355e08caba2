/** Variables while they live in a session: doors, refusals, and the way back. */
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  createProgram,
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

test("readInto copies the bytes of those named into shared memory, which the next step leaves alone", async () => {
  const v = variable("v", [1, 2, 3]);
  const k = variable("k", [5]);
  const call = await jit(engine, {}, () => {
    v.assign(tf.add(v, k));
    return {};
  });
  await call({});
  const targets = new Map(
    [v, k].map(({ name, size }) => [
      name,
      new Uint8Array(new SharedArrayBuffer(4 * size)),
    ]),
  );
  await call.program.readInto(targets);
  await call({});
  const floats = (name: string) => [
    ...new Float32Array(targets.get(name)?.buffer ?? new SharedArrayBuffer(0)),
  ];
  expect(floats("v")).toEqual([6, 7, 8]);
  expect(floats("k")).toEqual([5]);
  await expect(
    call.program.readInto(
      new Map([["v", new Uint8Array(new SharedArrayBuffer(8))]]),
    ),
  ).rejects.toThrow(/copying variables.*12 bytes, its target 8/);
  await call.program.close();
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
