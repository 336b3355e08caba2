/** Mixed precision: which ops compute in half, what stays float32, and that training goes where float32 goes. */
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import {
  createProgram,
  MomentumOptimizer,
  stepFunction,
  type Precision,
} from "../../../src/engine/engine.ts";
import {
  onTraceBackend,
  traceBackend,
} from "../../../src/engine/graph/backend.ts";
import { Graph } from "../../../src/engine/graph/graph.ts";
import type { NodeDef } from "../../../src/engine/graph/proto.ts";
import { traceFunction } from "../../../src/engine/graph/trace.ts";
import { conv2d } from "../../../src/engine/engine.ts";
import {
  pseudoRandom,
  relativeDifference,
  scalarOf,
  testEngine,
} from "../../support/engine.ts";
import { bottlenecks, convolutional } from "../../support/networks.ts";

const engine = testEngine();
const BFLOAT16 = 14;
const shape = [2, 6, 6, 3] as const;

/** Nodes of `fn` of one image batch, traced in bfloat16. */
function traced(fn: (x: tf.Tensor4D) => tf.Tensor): readonly NodeDef[] {
  const graph = new Graph("bfloat16");
  traceFunction(
    graph,
    "f",
    stepFunction({ x: { shape } }, ({ x }) => ({ y: fn(x) })),
  );
  return graph.nodes;
}
const typesOf = (nodes: readonly NodeDef[], op: string) =>
  nodes.filter((n) => n.op === op).map((n) => n.attributes["T"]?.[1]);
const filter = () => tf.tensor4d(pseudoRandom(81, 2), [3, 3, 3, 3]);

describe("what computes in half", () => {
  test("products are cast for, what follows them is not cast back, and sums are float32", () => {
    const nodes = traced((x) =>
      tf.sum(tf.relu(conv2d(tf.relu(conv2d(x, filter())), filter()))),
    );
    expect(typesOf(nodes, "Conv2D")).toEqual([BFLOAT16, BFLOAT16]);
    expect(typesOf(nodes, "Relu")).toEqual([BFLOAT16, BFLOAT16]);
    expect(typesOf(nodes, "Sum")).toEqual([1]);
    // The images, the filter once for each of its two constants, and the last map.
    expect(nodes.filter((n) => n.op === "Cast")).toHaveLength(4);
  });

  test("what follows stays float32 where no product stands before it, and for whole numbers", () => {
    const nodes = traced((x) =>
      tf.add(tf.relu(x), tf.cast(tf.add(tf.scalar(1, "int32"), 1), "float32")),
    );
    expect(typesOf(nodes, "Relu")).toEqual([1]);
    expect(typesOf(nodes, "AddV2")).not.toContain(BFLOAT16);
  });

  test("a program in float32 has no half node", () => {
    const graph = new Graph();
    traceFunction(
      graph,
      "f",
      stepFunction({ x: { shape } }, ({ x }) => ({ y: conv2d(x, filter()) })),
    );
    expect(typesOf(graph.nodes, "Conv2D")).toEqual([1]);
    expect(traceBackend().graph).toBeNull();
    expect(onTraceBackend(() => tf.getBackend())).toBe("trace");
  });
});

/** Losses of some steps on the same batches, and the last value of the first filter. */
async function trainedIn(
  precision: Precision,
  declare: typeof convolutional,
  name: string,
): Promise<{ losses: number[]; filter: Float32Array }> {
  const network = declare(`${name}-${precision}`);
  const optimizer = new MomentumOptimizer({
    variables: network.variables.map((variable) => ({ variable })),
    momentum: 0.9,
  });
  const program = await createProgram(engine, {
    precision,
    functions: {
      train: stepFunction(
        { ...network.inputs, rate: { shape: [] } },
        ({ rate, ...inputs }) => ({
          loss: optimizer.minimize(() => network.loss(inputs), rate),
        }),
      ),
    },
  });
  const losses: number[] = [];
  for (let step = 0; step < 6; step++) {
    const feeds = { ...network.batch(step % 2), rate: 0.05 };
    const { loss } = await program.run("train", feeds);
    losses.push(scalarOf(loss));
  }
  const [first] = await program.read();
  await program.close();
  optimizer.dispose();
  for (const variable of network.variables) variable.dispose();
  return { losses, filter: first?.[1].data as Float32Array };
}

describe("training", () => {
  for (const precision of ["bfloat16", "float16"] as const)
    for (const declare of [convolutional, bottlenecks])
      test(`${declare.name}: ${precision} goes where float32 goes, with weights in float32`, async () => {
        const want = await trainedIn("float32", declare, "precision");
        const found = await trainedIn(precision, declare, "precision");
        expect(relativeDifference(found.losses, want.losses)).toBeLessThan(
          0.03,
        );
        expect(relativeDifference(found.losses, want.losses)).toBeGreaterThan(
          0,
        );
        expect(found.filter).toBeInstanceOf(Float32Array);
        // More digits than a half type has.
        const rounded = found.filter.map((v) => roundedToBfloat16(v));
        expect(rounded).not.toEqual(found.filter);
      });
});

function roundedToBfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] = ((bits[0] ?? 0) >>> 16) << 16;
  return new Float32Array(bits.buffer)[0] ?? Number.NaN;
}
