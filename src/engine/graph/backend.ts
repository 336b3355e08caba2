/**
 * The tracing backend, and the only file that leans on internals of tfjs (pinned to 4.22.0; test/engine/graph/internals.test.ts
 * fails by name when one of them moves):
 *
 * - kernels of tfjs-node end in `executeSingleOutput` / `executeMultipleOutputs`: here these append nodes instead of executing;
 * - `engine().makeTensorFromTensorInfo` makes tensors without values; `Variable.dataId` can be written;
 * - `setBackend` takes effect before it returns; `engine().state.activeTape` is the tape of the running gradient;
 * - `engine().registeredVariables` lists every variable.
 *
 * (a) A symbolic tensor belongs to one trace of one function; used anywhere else it is refused.
 * (b) Tensors of the eager backend are read, never moved: a captured tensor stays usable after tracing.
 * (c) The value of a symbolic tensor, or of a variable that lives in a session, cannot be read: it is refused, not guessed.
 */
import * as tf from "@tensorflow/tfjs-core";
import { nativeBackend } from "../kernels/native-op.ts";
import type {
  NativeBackend,
  NativeBinding,
  OpAttribute,
} from "../kernels/native-op.ts";
import { graphAttributes, plainAttributes } from "./attributes.ts";
import { CONSTANT_LIMIT, toTensorDType } from "./graph.ts";
import type { FunctionScope, Graph } from "./graph.ts";
import { halfRuleOf, withType, type HalfRule } from "./precision.ts";
import { inferOutputs } from "./shapes.ts";
import { TraceError } from "./trace-error.ts";
import type { Shape, TensorDType, TypedArray } from "./types.ts";

interface EntryNode {
  readonly reference: string;
  readonly scope: FunctionScope;
  /** Whether the node is of the graph's half type, though the tensor says float32 (precision.ts). */
  readonly isHalf?: boolean;
  /** The same values in the other of the two types, once somebody wanted them. */
  cast?: string;
}
/** What the tracing backend knows of one tensor: exactly one of node, values and variable says what it stands for. */
export interface Entry {
  readonly shape: Shape;
  readonly dtype: TensorDType;
  readonly values?: TypedArray;
  readonly variable?: tf.Variable;
  /** Its node in the graph and the trace that it belongs to; set on first use for values and variables. */
  node?: EntryNode;
  refCount: number;
}
export type EntryInit = Omit<Entry, "refCount">;

const READ_REFUSED =
  "the value of a tensor was read (dataSync, data, array, print, or a branch on data) inside a traced function, where it has none yet: return it, or compute with tensors";

export interface TraceBackend extends NativeBackend {
  /** The graph that is being traced, or null. */
  graph: Graph | null;
  symbolic(entry: EntryInit): tf.Tensor;
  /** What a tensor stands for; tensors of the eager backend are read and become constants (b). */
  entry(tensor: tf.TensorInfo): Entry;
  /** The entry of a tensor that this backend owns, or null. */
  owned(dataId: tf.DataId): Entry | null;
  /** Reference of the tensor in the current graph, in the type that the tensor says. */
  reference(entry: Entry): string;
}

type NativeBackendClass = new (
  binding: NativeBinding,
  packageName: string,
) => NativeBackend;

/** A backend class on top of the loaded native backend's class, so that all helpers its kernels call are there. */
function createTraceBackend(native: NativeBackend): TraceBackend {
  const Base = native.constructor as NativeBackendClass;
  class SymbolicBackend extends Base implements TraceBackend {
    graph: Graph | null = null;
    readonly #entries = new WeakMap<tf.DataId, Entry>();

    override executeSingleOutput(
      op: string,
      attributes: readonly OpAttribute[],
      inputs: readonly tf.TensorInfo[],
    ): tf.Tensor {
      const [output] = this.executeMultipleOutputs(op, attributes, inputs, 1);
      if (output === undefined) throw new Error(`op '${op}' has no output`);
      return output;
    }
    override executeMultipleOutputs(
      op: string,
      attributes: readonly OpAttribute[],
      inputs: readonly tf.TensorInfo[],
      outputs: number,
    ): tf.Tensor[] {
      const graph = this.#current(`op '${op}'`);
      const entries = inputs.map((tensor) => this.entry(tensor));
      const call = {
        op,
        inputs: entries,
        attributes: plainAttributes(attributes),
      };
      const inferred = inferOutputs({ ...call, outputs });
      const half = this.#halfRule(op, entries);
      const references = graph.operation(
        op,
        entries.map((entry, k) =>
          half?.isHalf(k, entries.length) === true
            ? this.#halfReference(entry)
            : this.reference(entry),
        ),
        graphAttributes(
          op,
          this.binding,
          half === null
            ? attributes
            : withType(attributes, half.type, graph.halfType ?? 0),
          entries,
        ),
        inferred,
      );
      return inferred.map(({ shape, dtype }, k) =>
        this.symbolic({
          shape: shape ?? [0],
          dtype,
          node: {
            reference: references[k] ?? "",
            scope: graph.scope,
            isHalf: half !== null && k < half.outputs,
          },
        }),
      );
    }
    /** How the op computes in the graph's half type, or null where it does not. */
    #halfRule(op: string, entries: readonly Entry[]): HalfRule | null {
      const isMixed = typeof this.graph?.halfType === "number";
      const rule = isMixed ? halfRuleOf(op) : null;
      if (rule === null) return null;
      const count = entries.length;
      const isFloat = entries.every(
        ({ dtype }, k) => !rule.isHalf(k, count) || dtype === "float32",
      );
      const isLed = entries.every(
        ({ node }, k) => !rule.leads(k, count) || node?.isHalf === true,
      );
      return isFloat && isLed ? rule : null;
    }

    symbolic(entry: EntryInit): tf.Tensor {
      const dataId = {};
      this.#entries.set(dataId, { ...entry, refCount: 1 });
      const info = { dataId, shape: [...entry.shape], dtype: entry.dtype };
      return tf.engine().makeTensorFromTensorInfo(info, this);
    }
    entry(tensor: tf.TensorInfo): Entry {
      const known = this.#entries.get(tensor.dataId);
      if (known !== undefined) {
        this.#refuseForeign(known);
        return known;
      }
      const size = tf.util.sizeFromShape(tensor.shape);
      if (size > CONSTANT_LIMIT)
        throw new TraceError(
          `a tensor of shape [${tensor.shape.join()}] made outside is used in the traced function, more than ${CONSTANT_LIMIT} values: pass it as an input or make it a variable`,
        );
      return {
        shape: tensor.shape,
        dtype: toTensorDType(tensor.dtype),
        values: tf.engine().readSync(tensor.dataId) as TypedArray,
        refCount: 1,
      };
    }
    owned(dataId: tf.DataId): Entry | null {
      return this.#entries.get(dataId) ?? null;
    }
    reference(entry: Entry): string {
      const node = this.#node(entry);
      return node.isHalf === true ? this.#cast(node) : node.reference;
    }
    #halfReference(entry: Entry): string {
      const node = this.#node(entry);
      return node.isHalf === true ? node.reference : this.#cast(node);
    }
    #cast(node: EntryNode): string {
      const graph = this.#current("a tensor");
      node.cast ??= graph.castHalf(node.reference, node.isHalf === true);
      return node.cast;
    }
    #node(entry: Entry): EntryNode {
      const graph = this.#current("a tensor");
      const { scope } = graph;
      if (entry.node?.scope === scope) return entry.node;
      this.#refuseForeign(entry);
      const reference =
        entry.variable !== undefined
          ? graph.read(entry.variable)
          : graph.constant({
              ...entry,
              values: toArray(entry.values, entry.dtype),
            });
      entry.node = { reference, scope };
      return entry.node;
    }
    /** (a): a node of another trace; values and variables can be put into any. */
    #refuseForeign(entry: Entry): void {
      const isNode = entry.values === undefined && entry.variable === undefined;
      if (isNode && entry.node?.scope !== this.graph?.scope)
        throw new TraceError(
          "a tensor of an earlier trace is used: it stands for no value outside of the function that made it; return it from that function instead",
        );
    }
    #current(what: string): Graph {
      if (this.graph === null)
        throw new TraceError(
          `${what} belongs to a traced function and is used outside of it`,
        );
      return this.graph;
    }

    override write(
      values: tf.BackendValues,
      shape: number[],
      dtype: tf.DataType,
    ): tf.DataId {
      const dataId = {};
      this.move(dataId, values, shape, dtype, 1);
      return dataId;
    }
    override move(
      dataId: tf.DataId,
      values: tf.BackendValues,
      shape: number[],
      dtype: tf.DataType,
      refCount: number,
    ): void {
      this.#entries.set(dataId, {
        shape,
        dtype: toTensorDType(dtype),
        values: values as TypedArray,
        refCount,
      });
    }
    override readSync(dataId: object): tf.BackendValues {
      const entry = this.#entries.get(dataId);
      if (entry?.values !== undefined) return entry.values;
      if (entry?.variable !== undefined && this.graph === null)
        throw new TraceError(
          `variable '${entry.variable.name}' lives in the session of a program: use its read() and write(), or close() the program first`,
        );
      throw new TraceError(READ_REFUSED);
    }
    override async read(dataId: object): Promise<tf.BackendValues> {
      return this.readSync(dataId);
    }
    override incRef(dataId: tf.DataId): void {
      const entry = this.#entries.get(dataId);
      if (entry !== undefined) entry.refCount += 1;
    }
    override refCount(dataId: tf.DataId): number {
      return this.#entries.get(dataId)?.refCount ?? 0;
    }
    override disposeData(dataId: tf.DataId, force = false): boolean {
      const entry = this.#entries.get(dataId);
      if (entry === undefined) return true;
      entry.refCount -= 1;
      if (entry.refCount > 0 && !force) return false;
      this.#entries.delete(dataId);
      return true;
    }
    override numDataIds(): number {
      return 0;
    }
    override memory(): { unreliable: boolean; reasons: string[] } {
      return { unreliable: true, reasons: ["symbolic tensors have no memory"] };
    }
    override dispose(): void {}
  }
  return new SymbolicBackend(native.binding, "trace");
}

/** tfjs keeps some values (bool, fills) in arrays of another type than TensorFlow wants. */
function toArray(
  values: TypedArray | undefined,
  dtype: TensorDType,
): TypedArray {
  const source = values ?? [];
  if (dtype === "float32") return Float32Array.from(source);
  if (dtype === "int32") return Int32Array.from(source);
  return Uint8Array.from(source);
}

const TRACE = "trace";
/** Registers the tracing backend with a copy of every eager kernel. Call it after own kernels are registered; later calls do nothing. */
export function installTracer(): void {
  if (tf.findBackend(TRACE) !== null) return;
  tf.copyRegisteredKernels("tensorflow", TRACE);
  const native = nativeBackend();
  tf.registerBackend(TRACE, () => createTraceBackend(native), -1);
}
/** The tracing backend; `installTracer` must have been called. */
export function traceBackend(): TraceBackend {
  const backend: unknown = tf.findBackend(TRACE);
  if (backend === null)
    throw new Error("the engine is not open: call openEngine first");
  return backend as TraceBackend;
}
/** Whether the code that asks is being traced. False where no engine is open. */
export function isTracing(): boolean {
  const backend = tf.findBackend(TRACE) as TraceBackend | null;
  return backend !== null && backend.graph !== null;
}

/** Runs `work` with the tracing backend active: new tensors become constants of the graph. */
export function onTraceBackend<T>(work: () => T): T {
  const before = tf.getBackend();
  // Synchronous for backends that exist, whatever its type says; waiting for the promise would leave the traced function.
  void tf.setBackend(TRACE);
  try {
    return work();
  } finally {
    void tf.setBackend(before);
  }
}
/** All variables that exist, traced or not. */
export function allVariables(): tf.Variable[] {
  return Object.values(tf.engine().registeredVariables);
}
/** Replaces what a variable stands for and returns what it stood for before. */
export function swapDataId(
  variable: tf.Variable,
  dataId: tf.DataId,
): tf.DataId {
  const before = variable.dataId;
  variable.dataId = dataId;
  return before;
}
/** Runs a gradient inside a gradient: tfjs clears the outer tape, so it is put back. */
export function withOwnTape<T>(work: () => T): T {
  const { state } = tf.engine();
  const tape = state.activeTape;
  const depth = state.gradientDepth;
  try {
    return work();
  } finally {
    state.activeTape = tape;
    state.gradientDepth = depth;
  }
}
