/**
 * Output shape and dtype of every TensorFlow op that may be traced: one rule per op, in three tables by subject.
 *
 * (a) A wrong rule cannot pass silently: every node carries `_output_shapes`, and TensorFlow compares them with its own shape
 *     function when the graph is loaded.
 * (b) An op without a rule is refused by name. Adding a rule here is all that a new op needs.
 */
import { arrayRules } from "./shapes-array.ts";
import { mathRules } from "./shapes-math.ts";
import { networkRules } from "./shapes-network.ts";
import type { OpCall, OutputInfo, ShapeRule } from "./shape-rule.ts";
import { TraceError } from "./trace-error.ts";

export const shapeRules: Map<string, ShapeRule> = new Map([
  ...mathRules,
  ...networkRules,
  ...arrayRules,
]);

/** What the op will put out. Throws a TraceError that names an op without a rule. */
export function inferOutputs(call: OpCall): readonly OutputInfo[] {
  const rule = shapeRules.get(call.op);
  if (rule === undefined)
    throw new TraceError(
      `TensorFlow op '${call.op}' has no shape rule, so it cannot be traced. Add one to src/engine/graph/shapes-*.ts, or use other ops`,
    );
  return rule(call).slice(0, call.outputs);
}
