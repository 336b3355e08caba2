/**
 * Control over how a traced function runs: order, recomputation, updates in place. Each has a meaning in eager mode as well, so that
 * the same code serves as its own oracle.
 */
import * as tf from "@tensorflow/tfjs-core";
import { isTracing, traceBackend, withOwnTape } from "./backend.ts";
import type { Graph } from "./graph.ts";
import type { Attributes } from "./proto.ts";
import { TraceError } from "./trace-error.ts";

function currentGraph(): Graph {
  const { graph } = traceBackend();
  if (graph === null) throw new TraceError("used outside of a traced function");
  return graph;
}

/**
 * Nodes made by `work` start only after the given tensors are computed. Orders micro-batches and recomputation, which would
 * otherwise run as early as they can and keep their memory. In eager mode, where order is a matter of course, just `work()`.
 */
export function after<T>(tensors: readonly tf.Tensor[], work: () => T): T {
  if (!isTracing()) return work();
  const backend = traceBackend();
  const { scope } = currentGraph();
  const before = scope.after;
  const wait = tensors.map((t) => backend.reference(backend.entry(t)));
  scope.after = [...before, ...wait];
  try {
    return work();
  } finally {
    scope.after = before;
  }
}

/** What gradients flow through, and tensors beside it that they do not flow through. */
export interface Detailed<T extends tf.Tensor> {
  readonly value: T;
  readonly details: readonly tf.Tensor[];
}

/**
 * `f(...inputs)` whose inner activations are not kept for the backward pass but computed again there, once the gradient by its result is
 * known. `inputs` must be all tensors, variables included, that gradients are wanted for, and `f` must use each of them; `held` are
 * others that it uses, kept for it. `f` gets both, is called twice and must do the same both times.
 */
export function recompute<T extends tf.Tensor>(
  f: (...inputs: tf.Tensor[]) => Detailed<T>,
  inputs: readonly tf.Tensor[],
  held: readonly tf.Tensor[] = [],
): Detailed<T> {
  let kept: readonly tf.Tensor[] = [];
  const checkpointed = tf.customGrad((...args) => {
    const save = args.pop() as tf.GradSaveFunc;
    const tensors = args as tf.Tensor[];
    save([...tensors, ...held]);
    const { value, details } = f(...tensors, ...held);
    // Else they would be freed with what is inside of f.
    kept = details.map((detail) => tf.keep(detail));
    return {
      value,
      gradFunc: (dy, saved) => {
        const others = saved.slice(tensors.length);
        const again = (...xs: tf.Tensor[]): T => f(...xs, ...others).value;
        const given = saved.slice(0, tensors.length);
        return withOwnTape(() => after([dy], () => tf.grads(again)(given, dy)));
      },
    };
  });
  const value = checkpointed(...inputs) as T;
  const details = kept.map((detail) => {
    const own = tf.clone(detail);
    detail.dispose();
    return own;
  });
  return { value, details };
}

/** An op that changes variables in place; the handles of `variables` are its first inputs. */
export interface InPlaceUpdate {
  readonly op: string;
  readonly variables: readonly tf.Variable[];
  readonly inputs: readonly tf.Tensor[];
  readonly attributes: Attributes;
}
/** Adds such an op to the traced function; later reads of the variables see the new values. */
export function updateInPlace(update: InPlaceUpdate): void {
  const backend = traceBackend();
  const entries = update.variables.map((variable) => {
    const entry = backend.owned(variable.dataId);
    if (entry?.variable !== variable)
      throw new TraceError(
        `variable '${variable.name}' is updated in place after an assign in the same function: use one or the other`,
      );
    return entry;
  });
  currentGraph().update(
    update.variables,
    update.op,
    update.inputs.map((x) => backend.reference(backend.entry(x))),
    update.attributes,
  );
  for (const entry of entries) delete entry.node;
}
