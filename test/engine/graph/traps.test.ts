/**
 * What a graph cannot hold is refused while tracing, by name and with the line that did it; and whatever happens inside a traced
 * function, nothing leaks and the process is as before.
 */
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import {
  applyMomentum,
  createProgram,
  jit,
  stepFunction,
  TraceError,
} from "../../../src/engine/engine.ts";
import type { Outputs } from "../../../src/engine/engine.ts";
import { shapeRules } from "../../../src/engine/graph/shapes.ts";
import { testEngine } from "../../support/engine.ts";

const engine = testEngine();
const inputs = { x: { shape: [2, 3] } } as const;
type X = { readonly x: tf.Tensor2D };
const feed = { x: Float32Array.of(1, 2, 3, 4, 5, 6) };

interface Trap {
  readonly name: string;
  readonly fn: (inputs: X) => Outputs;
  readonly wantMessage: RegExp;
}
const trap = (name: string, wantMessage: RegExp, fn: Trap["fn"]): Trap => ({
  name,
  fn,
  wantMessage,
});

const traps: readonly Trap[] = [
  trap("dataSync", /value of a tensor was read/, ({ x }) => ({
    y: tf.mul(x, x.dataSync()[0] ?? 0),
  })),
  trap("print", /value of a tensor was read/, ({ x }) => {
    x.print();
    return { x };
  }),
  trap("a branch on data", /value of a tensor was read/, ({ x }) => ({
    y: Number(tf.sum(x).arraySync()) > 0 ? x : tf.neg(x),
  })),
  trap("tf.randomUniform", /random numbers/, ({ x }) => ({
    y: tf.add(x, tf.randomUniform([2, 3])),
  })),
  trap("tf.randomNormal", /random numbers/, ({ x }) => ({
    y: tf.add(x, tf.randomNormal([2, 3])),
  })),
  trap("tf.dropout", /random numbers/, ({ x }) => ({ y: tf.dropout(x, 0.5) })),
  trap("Math.random", /random numbers/, ({ x }) => ({
    y: tf.mul(x, Math.random()),
  })),
  trap("a variable made inside", /made inside.*'inner'/, ({ x }) => ({
    y: tf.mul(x, tf.variable(tf.ones([3]), true, "inner")),
  })),
  trap("a big constant", /constant of shape \[70000\]/, ({ x }) => {
    const values = Float32Array.from({ length: 70_000 }, (_, k) => k);
    return { y: tf.add(tf.sum(tf.tensor1d(values)), x) };
  }),
  trap("an async function", /async/, (async ({ x }: X) => ({
    x,
  })) as unknown as Trap["fn"]),
  trap("a string tensor", /type string cannot be traced/, () => ({
    y: tf.tensor(["a"]),
  })),
  trap("an op without a shape rule", /'Einsum' has no shape rule/, ({ x }) => ({
    y: tf.einsum("ij->i", x),
  })),
  trap(
    "a tensor instead of a table",
    /return its tensors by name/,
    (({ x }: X) => x) as unknown as Trap["fn"],
  ),
  trap("an output that is no tensor", /'loss' is not a tensor/, (() => ({
    loss: 3,
  })) as unknown as Trap["fn"]),
  trap("nothing to do", /nothing to compile/, () => ({})),
];

/** Runs something that must fail and checks that it left no trace. */
async function failureOf(work: () => Promise<unknown>): Promise<unknown> {
  const before = { ...tf.memory(), backend: tf.getBackend() };
  const random = Math.random;
  const thrown: unknown = await work().then(
    () => null,
    (error: unknown) => error,
  );
  expect(tf.memory().numTensors, "tensors").toBe(before.numTensors);
  expect(tf.memory().numDataBuffers, "buffers").toBe(before.numDataBuffers);
  expect(tf.getBackend()).toBe(before.backend);
  expect(Math.random).toBe(random);
  return thrown;
}

describe("tracing refuses what would be frozen or lost", () => {
  test.each(traps)("$name", async ({ fn, wantMessage }) => {
    const thrown = await failureOf(() => jit(engine, inputs, fn));
    expect(thrown).toBeInstanceOf(TraceError);
    expect((thrown as TraceError).message).toMatch(wantMessage);
  });

  test("the error names the line of the traced function, not the engine's", async () => {
    const thrown = await failureOf(() =>
      jit(engine, inputs, ({ x }) => ({ y: tf.add(x, tf.randomUniform([3])) })),
    );
    expect((thrown as TraceError).at).toMatch(/traps\.test\.ts:\d+:\d+$/);
  });

  test("a big tensor from outside has to be an input or a variable", async () => {
    const big = tf.tensor1d(Float32Array.from({ length: 90_000 }, (_, k) => k));
    const thrown = await failureOf(() =>
      jit(engine, inputs, ({ x }) => ({ y: tf.add(tf.sum(big), x) })),
    );
    expect(thrown).toBeInstanceOf(TraceError);
    expect(String(thrown)).toMatch(/shape \[90000\] made outside/);
    big.dispose();
  });

  test("a wrong shape rule is caught by TensorFlow while the graph is loaded", async () => {
    const right = shapeRules.get("Softmax");
    shapeRules.set("Softmax", () => [{ shape: [3, 3], dtype: "float32" }]);
    const thrown = await failureOf(() =>
      jit(engine, inputs, ({ x }) => ({ y: tf.softmax(x) })),
    );
    if (right !== undefined) shapeRules.set("Softmax", right);
    expect(String(thrown)).toMatch(
      /loading the compiled graph.*(_output_shapes|incompatible)/s,
    );
  });

  test("an error of the traced function itself arrives unchanged", async () => {
    const mine = new Error("mine");
    const inBody = await failureOf(() =>
      jit(engine, inputs, () => {
        throw mine;
      }),
    );
    expect(inBody).toBe(mine);
    const inGradient = await failureOf(() =>
      jit(engine, inputs, ({ x }) => ({
        y: tf.grad(() => {
          throw mine;
        })(x),
      })),
    );
    expect(inGradient).toBe(mine);
  });

  test("a variable disposed inside is refused, and freed", async () => {
    const { numTensors, numDataBuffers } = tf.memory();
    const doomed = tf.tidy(() => tf.variable(tf.zeros([3]), true, "doomed"));
    const thrown = await jit(engine, inputs, ({ x }) => {
      doomed.dispose();
      return { x };
    }).catch(String);
    expect(thrown).toMatch(/'doomed' is disposed inside/);
    expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers });
  });

  test("a function's name that no graph node can have", async () => {
    const thrown = await failureOf(() =>
      createProgram(engine, {
        functions: { "a b": stepFunction(inputs, ({ x }) => ({ x })) },
      }),
    );
    expect(String(thrown)).toMatch(/'a b' cannot name a function/);
  });
});

describe("symbolic tensors stay inside their function", () => {
  test("one that leaked out of a trace is refused in another trace and in eager code", async () => {
    const leaked: tf.Tensor[] = [];
    const step = await jit(engine, inputs, ({ x }) => {
      leaked.push(tf.keep(tf.mul(x, 3)));
      return { x };
    });
    const [leak] = leaked;
    if (leak === undefined) throw new Error("the function did not run");
    const traced = await failureOf(() =>
      jit(engine, inputs, ({ x }) => ({ y: tf.add(x, leak) })),
    );
    expect(String(traced)).toMatch(/tensor of an earlier trace/);
    const eager = await failureOf(async () => tf.neg(leak));
    expect(eager).toBeInstanceOf(TraceError);
    leak.dispose();
    await step.program.close();
  });

  test("one that leaked into another function of the same program is refused too", async () => {
    const leaked: tf.Tensor[] = [];
    const thrown = await createProgram(engine, {
      functions: {
        first: stepFunction(inputs, ({ x }) => {
          leaked.push(tf.keep(tf.mul(x, 3)));
          return { x };
        }),
        second: stepFunction(inputs, ({ x }) => ({
          y: tf.add(x, leaked[0] ?? x),
        })),
      },
    }).catch(String);
    expect(thrown).toMatch(/tensor of an earlier trace/);
    tf.dispose(leaked);
  });

  test("a captured eager tensor becomes a constant and stays usable", async () => {
    const captured = tf.tensor1d([1, 2, 3]);
    const step = await jit(engine, inputs, ({ x }) => ({
      y: tf.add(x, captured),
    }));
    const { y } = await step(feed);
    expect([...y.data]).toEqual([2, 4, 6, 5, 7, 9]);
    expect([...tf.add(captured, 1).dataSync()]).toEqual([2, 3, 4]);
    await step.program.close();
    captured.dispose();
  });

  test("a compiled program cannot be called inside a traced function", async () => {
    const step = await jit(engine, inputs, ({ x }) => ({ y: tf.mul(x, 2) }));
    const thrown = await failureOf(() =>
      jit(engine, inputs, ({ x }) => {
        void step(feed);
        return { x };
      }),
    );
    expect(String(thrown)).toMatch(/call the plain function instead/);
    await step.program.close();
  });

  test("an assign and an in-place update of one variable do not mix in one function", async () => {
    const v = tf.variable(tf.zeros([3]), true, "mixed");
    const m = tf.variable(tf.zeros([3]), false, "mixed/momentum");
    const thrown = await failureOf(() =>
      jit(engine, { rate: { shape: [] } }, ({ rate }) => {
        v.assign(tf.add(v, 1));
        applyMomentum({
          variable: v,
          slot: m,
          gradient: tf.ones([3]),
          learningRate: rate,
          momentum: tf.scalar(0.9),
        });
        return {};
      }),
    );
    expect(String(thrown)).toMatch(
      /'mixed' is updated in place after an assign/,
    );
    tf.dispose([v, m]);
  });
});
