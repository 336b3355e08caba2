/** Shape rules of arithmetic, comparison, reduction and matrix products. */
import { backend_util } from "@tensorflow/tfjs-core";
import {
  axisOf,
  constant,
  constantScalar,
  dim,
  elementwise,
  input,
  rules,
  single,
} from "./shape-rule.ts";
import type { OpCall, ShapeTable } from "./shape-rule.ts";
import { TraceError } from "./trace-error.ts";
import type { Shape, TensorDType } from "./types.ts";

const broadcast = (a: Shape, b: Shape): number[] =>
  backend_util.assertAndGetBroadcastShape([...a], [...b]);
const broadcastInputs = (call: OpCall): number[] =>
  broadcast(input(call, 0).shape, input(call, 1).shape);

/** TensorFlow's DataType numbers that a Cast can produce. */
const CAST_RESULT: Readonly<Record<number, TensorDType>> = {
  1: "float32",
  3: "int32",
  10: "bool",
};
function castResult(call: OpCall): TensorDType {
  const dtype = CAST_RESULT[Number(call.attributes["DstT"])];
  if (dtype === undefined)
    throw new TraceError(
      `Cast to TensorFlow type ${String(call.attributes["DstT"])} is not supported`,
    );
  return dtype;
}

function reduced(call: OpCall): Shape {
  const { shape } = input(call, 0);
  const axes = constant(call, 1).map((a) => axisOf(a, shape.length));
  return call.attributes["keep_dims"] === true
    ? shape.map((d, k) => (axes.includes(k) ? 1 : d))
    : shape.filter((_, k) => !axes.includes(k));
}
function withoutAxis(call: OpCall): Shape {
  const { shape } = input(call, 0);
  const axis = axisOf(constantScalar(call, 1), shape.length);
  return shape.filter((_, k) => k !== axis);
}
function batchMatMul(call: OpCall): Shape {
  const [x, y] = [input(call, 0).shape, input(call, 1).shape];
  return [
    ...broadcast(x.slice(0, -2), y.slice(0, -2)),
    dim(x, x.length - (call.attributes["adj_x"] === true ? 1 : 2)),
    dim(y, y.length - (call.attributes["adj_y"] === true ? 2 : 1)),
  ];
}

export const mathRules: ShapeTable = [
  ...elementwise(
    "Abs Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Elu Erf Exp Expm1 Floor Identity LeakyRelu Log Log1p LogSoftmax Neg " +
      "OnesLike PreventGradient Reciprocal Relu Relu6 Round Rsqrt Selu Sigmoid Sign Sin Sinh Softmax Softplus Sqrt Square " +
      "StopGradient Tan Tanh ZerosLike LogicalNot Cumsum Cumprod EluGrad ReluGrad Relu6Grad SigmoidGrad TanhGrad AddN",
  ),
  ...elementwise("IsNan IsInf IsFinite", "bool"),
  ...rules("Cast", (call) => [
    { shape: input(call, 0).shape, dtype: castResult(call) },
  ]),
  ...single(
    "Add AddV2 Sub Mul Div RealDiv DivNoNan FloorDiv FloorMod Mod Maximum Minimum Pow SquaredDifference Atan2 LogicalAnd LogicalOr",
    broadcastInputs,
  ),
  ...single(
    "Equal NotEqual Less LessEqual Greater GreaterEqual",
    broadcastInputs,
    "bool",
  ),
  ...rules("Select", (call) => [input(call, 1)]),
  ...rules("SelectV2", (call) => [
    {
      shape: broadcast(broadcastInputs(call), input(call, 2).shape),
      dtype: input(call, 1).dtype,
    },
  ]),
  ...single("Sum Mean Prod Max Min All Any", reduced),
  ...single("ArgMax ArgMin", withoutAxis, "int32"),
  ...rules("TopKV2", (call) => {
    const { shape, dtype } = input(call, 0);
    const top = [...shape.slice(0, -1), constantScalar(call, 1)];
    return [
      { shape: top, dtype },
      { shape: top, dtype: "int32" },
    ];
  }),
  ...rules("SelfAdjointEigV2", (call) => {
    const { shape, dtype } = input(call, 0);
    return [
      { shape: shape.slice(0, -1), dtype },
      { shape, dtype },
    ];
  }),
  ...single("BatchMatMulV2", batchMatMul),
  ...single("MatMul", (call) => [
    dim(input(call, 0).shape, call.attributes["transpose_a"] === true ? 1 : 0),
    dim(input(call, 1).shape, call.attributes["transpose_b"] === true ? 0 : 1),
  ]),
];
