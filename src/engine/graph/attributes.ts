/**
 * Attributes of ops, from the form in which tfjs-node's kernels write them (name, enumeration constant of the binding, value) to the
 * graph's. Pure.
 */
import type { NativeBinding, OpAttribute } from "../kernels/native-op.ts";
import { TF_TYPE } from "./graph.ts";
import type { Attribute, Attributes, GraphShape } from "./proto.ts";
import type { OpAttributes, OpInput } from "./shape-rule.ts";
import { TraceError } from "./trace-error.ts";

/** Attributes that stock kernels leave to the eager runtime to infer: op → attribute → the input that has its type. */
const IMPLIED_TYPES: Readonly<
  Record<string, Readonly<Record<string, number>>>
> = {
  ExpandDims: { T: 0, Tdim: 1 },
};

/** What shape rules look at: values by name. */
export const plainAttributes = (
  attributes: readonly OpAttribute[],
): OpAttributes =>
  Object.fromEntries(attributes.map(({ name, value }) => [name, value]));

/** tfjs-node's attributes in the graph's format, with those that its kernels leave out. */
export function graphAttributes(
  op: string,
  binding: NativeBinding,
  attributes: readonly OpAttribute[],
  inputs: readonly OpInput[],
): Attributes {
  const implied = Object.entries(IMPLIED_TYPES[op] ?? {}).map(
    ([name, k]): [string, Attribute] => [
      name,
      ["type", TF_TYPE[inputs[k]?.dtype ?? "float32"]],
    ],
  );
  const given = attributes.map((a): [string, Attribute] => [
    a.name,
    graphAttribute(binding, a),
  ]);
  return Object.fromEntries([...implied, ...given]);
}
function graphAttribute(
  binding: NativeBinding,
  { name, type, value }: OpAttribute,
): Attribute {
  const many = Array.isArray(value);
  switch (type) {
    case binding.TF_ATTR_STRING:
      return ["string", String(value)];
    case binding.TF_ATTR_INT:
      return many ? ["ints", value.map(Number)] : ["int", Number(value)];
    case binding.TF_ATTR_FLOAT:
      return many ? ["floats", value.map(Number)] : ["float", Number(value)];
    case binding.TF_ATTR_BOOL:
      return many ? ["bools", value.map(Boolean)] : ["bool", Boolean(value)];
    case binding.TF_ATTR_TYPE:
      return many ? ["types", value.map(Number)] : ["type", Number(value)];
    case binding.TF_ATTR_SHAPE:
      return ["shape", value as GraphShape];
    default:
      throw new TraceError(`attribute '${name}' has the unknown kind ${type}`);
  }
}
