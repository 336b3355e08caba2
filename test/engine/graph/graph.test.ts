/** The order of nodes with effects: an update of a variable and whatever still holds its value. */
import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { Graph } from "../../../src/engine/graph/graph.ts";
import { testEngine } from "../../support/engine.ts";

testEngine();

function graphWithVariable(): { graph: Graph; variable: tf.Variable } {
  const graph = new Graph();
  graph.beginFunction("f");
  return { graph, variable: tf.variable(tf.zeros([2, 2])) };
}
const inputsOf = (graph: Graph, name: string) =>
  graph.nodes.find((node) => node.name === name)?.inputs;

test("an update waits for everything that holds the value read, under another shape too", () => {
  const { graph, variable } = graphWithVariable();
  const read = graph.read(variable);
  const product = graph.node("MatMul", [read, read], {});
  const view = graph.node("Reshape", [read, "shape"], {});
  const sum = graph.node("Sum", [view, "axes"], {});
  const later = graph.node("Neg", [sum], {});
  const update = graph.update([variable], "AssignAddVariableOp", [later], {});

  const waits = inputsOf(graph, update)?.filter((i) => i.startsWith("^"));
  const want = [read, product, view, sum].map((name) => `^${name}`);
  expect(waits).toEqual(want);
});

test("a later update waits for holders of the later value alone", () => {
  const { graph, variable } = graphWithVariable();
  graph.node("Neg", [graph.read(variable)], {});
  const first = graph.update([variable], "AssignAddVariableOp", ["x"], {});
  const read = graph.read(variable);
  const second = graph.update([variable], "AssignAddVariableOp", ["x"], {});

  expect(inputsOf(graph, read)).toContain(`^${first}`);
  const waits = inputsOf(graph, second)?.filter((i) => i.startsWith("^"));
  expect(waits).toEqual([`^${read}`, `^${first}`]);
});
