/**
 * Mixed precision as two policies: which ops compute in a half type, and which follow their inputs. Pure tables.
 *
 * Variables, losses, statistics and sums stay float32. tfjs has no half types: a tensor says float32 while its node in the graph is
 * half, and whatever is in neither table reads it through a Cast. So eager code is always float32, and an op that nobody thought of is
 * right, if not fast.
 *
 * The choice is that of PyTorch's autocast: products in half, with float32 sums inside of the kernels; elementwise ops and pools
 * follow, so that maps are kept in half the memory; reductions over a batch do not.
 */
import type { OpAttribute } from "../kernels/native-op.ts";

/** What products are computed in. float16 needs a loss scale (loss-scale.ts), bfloat16 does not. */
export type Precision = "float32" | "bfloat16" | "float16";

/** TensorFlow's DataType numbers of the half types. */
const HALF_TYPES: Readonly<Record<Precision, number | null>> = {
  float32: null,
  bfloat16: 14,
  float16: 19,
};
/** The half type of a precision; null: there is none. */
export const halfTypeOf = (precision: Precision): number | null =>
  HALF_TYPES[precision];

/** How an op computes in half. */
export type HalfRule = {
  /** Which inputs have to be half already for the op to be; none: it is half wherever it stands. */
  leads(input: number, inputs: number): boolean;
  /** Which inputs are half then; those that are not yet are cast. */
  isHalf(input: number, inputs: number): boolean;
  /** How many outputs, from the first, are half. */
  readonly outputs: number;
  /** The attribute that names their type. */
  readonly type: string;
};

type Inputs = HalfRule["isHalf"];
const at =
  (...inputs: readonly number[]): Inputs =>
  (input) =>
    inputs.includes(input);
const allButLast: Inputs = (input, inputs) => input < inputs - 1;

const computes = (isHalf: Inputs): HalfRule => ({
  leads: () => false,
  isHalf,
  outputs: 1,
  type: "T",
});
const follows = (
  leads: Inputs,
  { isHalf = leads, outputs = 1, type = "T" } = {},
): HalfRule => ({ leads, isHalf, outputs, type });

const rules: ReadonlyMap<string, HalfRule> = new Map([
  ["Conv2D", computes(at(0, 1))],
  ["Conv2DBackpropInput", computes(at(1, 2))],
  ["Conv2DBackpropFilter", computes(at(0, 2))],
  ["MatMul", computes(at(0, 1))],
  ["BatchMatMulV2", computes(at(0, 1))],

  ["Relu", follows(at(0))],
  ["ReluGrad", follows(at(0, 1))],
  ["AddV2", follows(at(0, 1))],
  ["AddN", follows(() => true)],
  ["BiasAdd", follows(at(0), { isHalf: at(0, 1) })],
  ["MaxPool", follows(at(0))],
  ["MaxPoolGrad", follows(at(0, 1, 2))],
  ["Identity", follows(at(0))],
  ["Reshape", follows(at(0))],
  ["Transpose", follows(at(0))],
  ["Pad", follows(at(0))],
  ["PadV2", follows(at(0), { isHalf: at(0, 2) })],
  ["Slice", follows(at(0))],
  ["Split", follows(at(1), { outputs: Infinity })],
  ["SplitV", follows(at(0), { outputs: Infinity })],
  ["ConcatV2", follows(allButLast)],
  ["GatherV2", follows(at(0), { type: "Tparams" })],
  // Scale, offset and statistics stay float32.
  ["FusedBatchNormV3", follows(at(0))],
  ["FusedBatchNormGradV3", follows(at(0, 1))],
]);

/** Null: the op takes and gives float32. */
export const halfRuleOf = (op: string): HalfRule | null =>
  rules.get(op) ?? null;

/** The op's attributes with the half type in the place of float32. */
export function withType(
  attributes: readonly OpAttribute[],
  name: string,
  type: number,
): OpAttribute[] {
  return attributes.map((attribute) =>
    attribute.name === name ? { ...attribute, value: type } : attribute,
  );
}
