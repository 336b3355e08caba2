/**
 * The graph under construction: nodes of one or several functions that share variables. Knows TensorFlow's node formats, nothing
 * of tfjs's backends and nothing of sessions.
 *
 * (a) Node names are unique; those of one function start with the function's name.
 * (b) Constants are shared inside one function, never between functions: running one must not depend on another's inputs.
 * (c) An update of a variable runs after every earlier read and update of it in the same function, and before every later one:
 *     program order is kept by control inputs, nothing else orders ops with effects.
 * (d) It also runs after every earlier node that takes the value read: a read shares the variable's memory, and TensorFlow copies
 *     the whole variable for an update that comes while somebody still holds it.
 */
import type * as tf from "@tensorflow/tfjs-core";
import { halfTypeOf, type Precision } from "./precision.ts";
import type { Attributes, NodeDef } from "./proto.ts";
import { sizeOf } from "./shape-rule.ts";
import type { OutputInfo } from "./shape-rule.ts";
import { TraceError } from "./trace-error.ts";
import type { InputDType, Shape, TensorDType, TypedArray } from "./types.ts";

/** TensorFlow's DataType numbers. */
export const TF_TYPE: Readonly<Record<InputDType, number>> = {
  float32: 1,
  int32: 3,
  uint8: 4,
  bool: 10,
};
/** Larger constants belong into variables or inputs: they would be copied into every stage of graph optimisation. */
export const CONSTANT_LIMIT = 1 << 16;
/** From this size on a constant with one repeated value is written as a Fill. */
const FILL_FROM = 17;
/** Ops whose output is the memory of their first input under another shape. */
const SHARES_MEMORY: ReadonlySet<string> = new Set([
  "ReadVariableOp",
  "Identity",
  "Reshape",
  "ExpandDims",
  "Squeeze",
]);

/** What is known while one function is traced. */
export interface FunctionScope {
  readonly name: string;
  readonly constants: Map<string, string>;
  /** Nodes that every new node has to wait for (see control.ts). */
  after: readonly string[];
}
/** A constant: values known while tracing. */
export interface Literal {
  readonly shape: Shape;
  readonly dtype: TensorDType;
  readonly values: TypedArray;
}
export interface VariableNodes {
  readonly id: string;
  readonly handle: string;
  /** Reads since the last update, and what takes their values (d), in the current function. */
  holders: string[];
  /** Last update in the current function. */
  lastUpdate: string | null;
}

export class Graph {
  readonly nodes: NodeDef[] = [];
  readonly variables = new Map<tf.Variable, VariableNodes>();
  #scope: FunctionScope = emptyScope("");
  readonly #uses = new Map<string, number>();
  /** Nodes whose output is a variable's memory, with the list of that variable's holders (d). */
  readonly #views = new Map<string, string[]>();

  /** TensorFlow's number of the half type that products are computed in, or null. */
  readonly halfType: number | null;

  constructor(precision: Precision = "float32") {
    this.halfType = halfTypeOf(precision);
  }
  get scope(): FunctionScope {
    return this.#scope;
  }
  /** Starts a function: constants and the order of variable updates begin anew (b, c). */
  beginFunction(name: string): void {
    this.#scope = emptyScope(name);
    this.#views.clear();
    for (const nodes of this.variables.values()) {
      nodes.holders = [];
      nodes.lastUpdate = null;
    }
  }

  /** Adds a node and returns its name (a). */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Attributes,
    name: string = this.#freshName(op),
  ): string {
    this.nodes.push({ name, op, inputs, attributes });
    this.#noteHolder(name, op, inputs);
    return name;
  }
  /** (d) */
  #noteHolder(name: string, op: string, inputs: readonly string[]): void {
    for (const [k, input] of inputs.entries()) {
      const holders = this.#views.get(input);
      if (holders === undefined) continue;
      holders.push(name);
      if (k === 0 && SHARES_MEMORY.has(op)) this.#views.set(name, holders);
    }
  }
  #freshName(op: string): string {
    const base = `${this.#scope.name}/${op}`;
    const uses = this.#uses.get(base) ?? 0;
    this.#uses.set(base, uses + 1);
    return uses === 0 ? base : `${base}_${uses}`;
  }

  /** Adds the node of an executed op; returns the reference of each output. */
  operation(
    op: string,
    inputs: readonly string[],
    attributes: Attributes,
    outputs: readonly OutputInfo[],
  ): string[] {
    const ordered = [...inputs, ...this.#scope.after.map(orderOnly)];
    const name = this.node(op, ordered, {
      ...attributes,
      // TensorFlow compares these with its own shape inference while loading.
      _output_shapes: ["shapes", outputs.map((o) => o.shape)],
    });
    return outputs.map((_, k) => (k === 0 ? name : `${name}:${k}`));
  }

  /** The float32 values of a half node, or the half ones of a float32 node. */
  castHalf(reference: string, isHalf: boolean): string {
    const half = this.halfType ?? TF_TYPE.float32;
    const [from, to] = isHalf
      ? [half, TF_TYPE.float32]
      : [TF_TYPE.float32, half];
    const order = this.#scope.after.map(orderOnly);
    return this.node("Cast", [reference, ...order], {
      SrcT: ["type", from],
      DstT: ["type", to],
      Truncate: ["bool", false],
    });
  }

  /** Reference of a constant, shared inside the function (b). */
  constant(literal: Literal): string {
    if (sizeOf(literal.shape) >= FILL_FROM && isUniform(literal.values))
      return this.#fill(literal);
    if (sizeOf(literal.shape) > CONSTANT_LIMIT)
      throw new TraceError(
        `a constant of shape [${literal.shape.join()}] is made inside the traced function, more than ${CONSTANT_LIMIT} values: pass it as an input or keep it in a variable; random numbers come from randomUniform`,
      );
    const bytes = toBytes(literal.values);
    const key = `${literal.dtype}|${literal.shape.join()}|${bytes.toString("latin1")}`;
    const known = this.#scope.constants.get(key);
    if (known !== undefined) return known;
    const name = this.node("Const", [], {
      dtype: ["type", TF_TYPE[literal.dtype]],
      value: [
        "tensor",
        { dtype: TF_TYPE[literal.dtype], shape: literal.shape, bytes },
      ],
    });
    this.#scope.constants.set(key, name);
    return name;
  }
  #fill({ shape, dtype, values }: Literal): string {
    const dims = this.constant({
      shape: [shape.length],
      dtype: "int32",
      values: Int32Array.from(shape),
    });
    const value = this.constant({
      shape: [],
      dtype,
      values: values.slice(0, 1),
    });
    return this.node("Fill", [dims, value], {
      T: ["type", TF_TYPE[dtype]],
      index_type: ["type", TF_TYPE.int32],
    });
  }

  /** Nodes of a variable that all functions share: its handle, `<id>/in` → `<id>/assign` to set it, `<id>/out` to read it. */
  variable(variable: tf.Variable): VariableNodes {
    const known = this.variables.get(variable);
    if (known !== undefined) return known;
    const id = `variable/${this.variables.size}`;
    const type = ["type", variableType(variable)] as const;
    const shape = ["shape", variable.shape] as const;
    const handle = this.node(
      "VarHandleOp",
      [],
      {
        dtype: type,
        shape,
        shared_name: ["string", id],
        container: ["string", ""],
      },
      `${id}/handle`,
    );
    const value = this.node(
      "Placeholder",
      [],
      { dtype: type, shape },
      `${id}/in`,
    );
    this.node(
      "AssignVariableOp",
      [handle, value],
      { dtype: type, validate_shape: ["bool", false] },
      `${id}/assign`,
    );
    this.node("ReadVariableOp", [handle], { dtype: type }, `${id}/out`);
    const nodes = { id, handle, holders: [], lastUpdate: null };
    this.variables.set(variable, nodes);
    return nodes;
  }
  /** A read of the variable's value at this point of the program (c, d). */
  read(variable: tf.Variable): string {
    const nodes = this.variable(variable);
    const order = nodes.lastUpdate === null ? [] : [nodes.lastUpdate];
    const read = this.node(
      "ReadVariableOp",
      [nodes.handle, ...order.map(orderOnly)],
      { dtype: ["type", variableType(variable)] },
    );
    nodes.holders.push(read);
    this.#views.set(read, nodes.holders);
    return read;
  }
  /**
   * An op that changes variables in place (c, d). Their handles come first among its inputs, in the order given.
   */
  update(
    variables: readonly tf.Variable[],
    op: string,
    inputs: readonly string[],
    attributes: Attributes,
  ): string {
    const changed = variables.map((v) => this.variable(v));
    const earlier = changed.flatMap((nodes) =>
      nodes.lastUpdate === null
        ? nodes.holders
        : [...nodes.holders, nodes.lastUpdate],
    );
    const name = this.node(
      op,
      [
        ...changed.map((nodes) => nodes.handle),
        ...inputs,
        ...[...new Set(earlier), ...this.#scope.after].map(orderOnly),
      ],
      attributes,
    );
    for (const nodes of changed) {
      nodes.holders = [];
      nodes.lastUpdate = name;
    }
    return name;
  }
  /** The last update of each variable that the current function changes. */
  pendingUpdates(): string[] {
    const last = [...this.variables.values()].map((n) => n.lastUpdate);
    return [...new Set(last.filter((name) => name !== null))];
  }
}

/** `^node`: wait for it, take no value. */
export const orderOnly = (reference: string): string =>
  `^${reference.replace(/:\d+$/, "")}`;

const emptyScope = (name: string): FunctionScope => ({
  name,
  constants: new Map(),
  after: [],
});
const isUniform = (values: TypedArray): boolean =>
  values.every((v) => Object.is(v, values[0]));
const toBytes = (values: TypedArray): Buffer =>
  Buffer.from(
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  );

function variableType(variable: tf.Variable): number {
  return TF_TYPE[toTensorDType(variable.dtype)];
}
/** tfjs's data types without those that graphs do not carry. */
export function toTensorDType(dtype: tf.DataType): TensorDType {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool")
    return dtype;
  throw new TraceError(
    `tensors of type ${dtype} cannot be traced: use float32, int32 or bool`,
  );
}
