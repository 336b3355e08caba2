/**
 * Traces one function: runs it once with symbolic tensors and records its inputs, outputs and updates of variables.
 *
 * (a) Whatever happens inside, variables, backend, Math.random and tfjs's scopes are as before afterwards.
 * (b) What would be frozen into the graph without anybody noticing is refused: random numbers drawn in JavaScript, values read,
 *     variables made inside, work after an await. Not detectable, hence a rule for callers: a JavaScript number from outside is a
 *     constant of the graph, so whatever changes between runs has to be an input.
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  allVariables,
  onTraceBackend,
  swapDataId,
  traceBackend,
} from "./backend.ts";
import type { Entry } from "./backend.ts";
import { TF_TYPE } from "./graph.ts";
import type { Graph } from "./graph.ts";
import { TraceError } from "./trace-error.ts";
import type {
  InputDType,
  InputSpec,
  Shape,
  StepFunction,
  TensorDType,
} from "./types.ts";

export interface TracedInput {
  readonly key: string;
  readonly node: string;
  readonly shape: Shape;
  readonly dtype: InputDType;
}
export interface TracedOutput {
  readonly key: string;
  readonly node: string;
  readonly shape: Shape;
  readonly dtype: TensorDType;
}
export interface TracedFunction {
  readonly name: string;
  readonly inputs: readonly TracedInput[];
  readonly outputs: readonly TracedOutput[];
  /** Nodes that have to run for the function's effects. */
  readonly updates: readonly string[];
}

const FUNCTION_NAME = /^[A-Za-z][\w-]*$/;

/** Adds the function's nodes to the graph. Throws a TraceError for what a graph cannot hold, and what the function itself throws. */
export function traceFunction(
  graph: Graph,
  name: string,
  step: StepFunction,
): TracedFunction {
  if (!FUNCTION_NAME.test(name))
    throw new TraceError(
      `'${name}' cannot name a function: letters, digits, '_' and '-', a letter first`,
    );
  const backend = traceBackend();
  if (backend.graph !== null)
    throw new TraceError(`'${name}': tracing inside a traced function`);
  graph.beginFunction(name);
  const inputs = placeholders(graph, name, step.inputs);
  backend.graph = graph;
  try {
    return onTraceBackend(() => {
      tf.engine().startScope();
      try {
        return traceBody(graph, name, step, inputs);
      } finally {
        tf.engine().endScope();
      }
    });
  } finally {
    backend.graph = null;
  }
}

function placeholders(
  graph: Graph,
  name: string,
  inputs: Readonly<Record<string, InputSpec>>,
): TracedInput[] {
  return Object.entries(inputs).map(
    ([key, { shape, dtype = "float32" }], k) => {
      const attributes = {
        dtype: ["type", TF_TYPE[dtype]],
        shape: ["shape", shape],
      } as const;
      const node = graph.node("Placeholder", [], attributes, `${name}/in/${k}`);
      return { key, node, shape, dtype };
    },
  );
}

function traceBody(
  graph: Graph,
  name: string,
  step: StepFunction,
  inputs: readonly TracedInput[],
): TracedFunction {
  const standIns = new StandIns();
  try {
    const tensors = inputs.map(
      (i) => [i.key, symbolicInput(graph, i)] as const,
    );
    const result = withoutRandomness(() =>
      step.fn(Object.fromEntries(tensors)),
    );
    refuseUnfit(name, result);
    standIns.refuseNewAndDisposed();
    const outputs = outputNodes(graph, name, result);
    standIns.writeAssigned(graph);
    const updates = graph.pendingUpdates();
    if (outputs.length === 0 && updates.length === 0)
      throw new TraceError(
        `'${name}' returns no tensor and changes no variable: there is nothing to compile`,
      );
    return { name, inputs, outputs, updates };
  } finally {
    standIns.restore();
  }
}

/** uint8 does not exist in tfjs: such an input is cast in the graph and arrives as float32. */
function symbolicInput(graph: Graph, input: TracedInput): tf.Tensor {
  const { shape, node, dtype } = input;
  const scope = graph.scope;
  if (dtype !== "uint8")
    return traceBackend().symbolic({
      shape,
      dtype,
      node: { reference: node, scope },
    });
  const cast = graph.node("Cast", [node], {
    SrcT: ["type", TF_TYPE.uint8],
    DstT: ["type", TF_TYPE.float32],
    Truncate: ["bool", false],
  });
  return traceBackend().symbolic({
    shape,
    dtype: "float32",
    node: { reference: cast, scope },
  });
}

function outputNodes(
  graph: Graph,
  name: string,
  result: Readonly<Record<string, tf.Tensor>>,
): TracedOutput[] {
  const backend = traceBackend();
  return Object.entries(result).map(([key, tensor], k) => {
    if (!(tensor instanceof tf.Tensor))
      throw new TraceError(`'${name}': output '${key}' is not a tensor`);
    const entry: Entry = backend.entry(tensor);
    const node = graph.node(
      "Identity",
      [backend.reference(entry)],
      { T: ["type", TF_TYPE[entry.dtype]] },
      `${name}/out/${k}`,
    );
    return { key, node, shape: entry.shape, dtype: entry.dtype };
  });
}

/** While a function is traced every variable stands for a symbolic value; `assign` replaces that, which is how it is seen. */
class StandIns {
  readonly #saved = new Map<
    tf.Variable,
    { readonly real: tf.DataId; readonly symbolic: tf.DataId }
  >();

  constructor() {
    const backend = traceBackend();
    for (const variable of allVariables()) {
      const { shape, dtype } = variable;
      const symbolic = backend.symbolic({
        shape,
        // Never read for types that graphs do not carry: using such a variable fails by itself.
        dtype: dtype as TensorDType,
        variable,
      }).dataId;
      const real = swapDataId(variable, symbolic);
      // The variable holds a reference of its own, as after `assign`, which gives one up and takes one.
      tf.engine().incRef(variable, backend);
      this.#saved.set(variable, { real, symbolic });
    }
  }
  refuseNewAndDisposed(): void {
    for (const variable of this.#saved.keys())
      if (variable.isDisposed)
        throw new TraceError(
          `variable '${variable.name}' is disposed inside the traced function: do it outside`,
        );
    const made = allVariables().filter((v) => !this.#saved.has(v));
    if (made.length === 0) return;
    const names = made.map((v) => `'${v.name}'`).join(", ");
    for (const variable of made) variable.dispose();
    throw new TraceError(
      `variables are made inside the traced function: ${names}; each run would need new ones. Make them before`,
    );
  }
  /** Updates for all variables that were assigned, after every read of them. */
  writeAssigned(graph: Graph): void {
    const backend = traceBackend();
    for (const [variable, { symbolic }] of this.#saved) {
      if (variable.dataId === symbolic) continue;
      const entry = backend.entry(variable);
      graph.update([variable], "AssignVariableOp", [backend.reference(entry)], {
        dtype: ["type", TF_TYPE[entry.dtype]],
        validate_shape: ["bool", false],
      });
    }
  }
  restore(): void {
    for (const [variable, { real }] of this.#saved) {
      // A variable that was disposed gave up its stand-in; what is left to free is what it stood for.
      if (variable.isDisposed) swapDataId(variable, real);
      tf.engine().disposeTensor(variable);
      if (!variable.isDisposed) swapDataId(variable, real);
    }
  }
}

/** tf.randomUniform, tf.dropout and others draw in JavaScript: every run would see the same numbers. */
function withoutRandomness<T>(work: () => T): T {
  const random = Math.random;
  Math.random = () => {
    throw new TraceError(
      "random numbers are drawn in JavaScript inside a traced function: they would be the same in every run. Use randomUniform or dropout with a seed input",
    );
  };
  try {
    return work();
  } finally {
    Math.random = random;
  }
}

function refuseUnfit(name: string, result: unknown): void {
  if (result instanceof Promise) {
    // It goes on with tensors that no longer mean anything; its own failure adds nothing to the error below.
    result.catch(() => undefined);
    throw new TraceError(
      `'${name}' is async: a traced function must finish before it returns`,
    );
  }
  const isTable =
    typeof result === "object" &&
    result !== null &&
    !Array.isArray(result) &&
    !(result instanceof tf.Tensor);
  if (!isTable)
    throw new TraceError(
      `'${name}' must return its tensors by name, as in { loss }`,
    );
}
