/**
 * Writes the protocol buffers that TensorFlow's C API takes: GraphDef, ConfigProto, RunOptions. Writing only, and only the fields
 * that this room uses; field numbers are those of TensorFlow's .proto files. Pure.
 *
 * A full protobuf library would be larger than this file and slower on large constants: their bytes are copied once here.
 */
import type { RunOptions, SessionOptions, Shape } from "./types.ts";

/** A shape in a graph: null is "unknown rank". */
export type GraphShape = Shape | null;
export interface TensorProto {
  readonly dtype: number;
  readonly shape: Shape;
  readonly bytes: Uint8Array;
}
/** The kinds of NodeDef attributes; each names a field of TensorFlow's AttrValue. */
interface AttributeValues {
  readonly string: string;
  readonly int: number;
  readonly float: number;
  readonly bool: boolean;
  readonly type: number;
  readonly shape: GraphShape;
  readonly tensor: TensorProto;
  readonly ints: readonly number[];
  readonly floats: readonly number[];
  readonly bools: readonly boolean[];
  readonly types: readonly number[];
  readonly shapes: readonly GraphShape[];
}
type AttributeKind = keyof AttributeValues;
export type Attribute = {
  readonly [K in AttributeKind]: readonly [K, AttributeValues[K]];
}[AttributeKind];
export type Attributes = Readonly<Record<string, Attribute>>;

export interface NodeDef {
  readonly name: string;
  readonly op: string;
  /** `node`, `node:k`, or `^node` for order only. */
  readonly inputs: readonly string[];
  readonly attributes: Attributes;
}

/** GraphDef version of TensorFlow 2.16 and newer. */
const GRAPH_VERSION = 1882;
const EMPTY = Buffer.alloc(0);

/** Negative numbers are ten bytes long, as int64 in two's complement. */
function varint(value: number): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  out.push(Number(rest));
  return Buffer.from(out);
}
const bytesField = (field: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
const stringField = (field: number, text: string): Buffer =>
  bytesField(field, Buffer.from(text));
const intField = (field: number, value: number): Buffer =>
  Buffer.concat([varint(field * 8), varint(value)]);
function floatField(field: number, value: number): Buffer {
  const bits = Buffer.alloc(4);
  bits.writeFloatLE(value);
  return Buffer.concat([varint(field * 8 + 5), bits]);
}
const optional = <T>(value: T | undefined, write: (v: T) => Buffer): Buffer =>
  value === undefined ? EMPTY : write(value);

function shapeProto(shape: GraphShape): Buffer {
  if (shape === null) return intField(3, 1);
  return Buffer.concat(shape.map((d) => bytesField(2, intField(1, d))));
}
const packed = (field: number, values: readonly number[]): Buffer =>
  values.length === 0
    ? EMPTY
    : bytesField(field, Buffer.concat(values.map(varint)));

const writeAttribute: {
  readonly [K in AttributeKind]: (value: AttributeValues[K]) => Buffer;
} = {
  string: (text) => stringField(2, text),
  int: (value) => intField(3, value),
  float: (value) => floatField(4, value),
  bool: (value) => intField(5, Number(value)),
  type: (value) => intField(6, value),
  shape: (shape) => bytesField(7, shapeProto(shape)),
  tensor: (tensor) => bytesField(8, tensorProto(tensor)),
  ints: (values) => bytesField(1, packed(3, values)),
  floats: (values) =>
    bytesField(1, bytesField(4, Buffer.from(Float32Array.from(values).buffer))),
  bools: (values) => bytesField(1, packed(5, values.map(Number))),
  types: (values) => bytesField(1, packed(6, values)),
  shapes: (shapes) =>
    bytesField(
      1,
      Buffer.concat(shapes.map((s) => bytesField(7, shapeProto(s)))),
    ),
};
function attrValue([kind, value]: Attribute): Buffer {
  // The pair's type says that they belong together; TypeScript forgets it when they are taken apart.
  const write = writeAttribute[kind] as (value: unknown) => Buffer;
  return write(value);
}
const tensorProto = (tensor: TensorProto): Buffer =>
  Buffer.concat([
    intField(1, tensor.dtype),
    bytesField(2, shapeProto(tensor.shape)),
    bytesField(4, tensor.bytes),
  ]);

const nodeDef = (node: NodeDef): Buffer =>
  Buffer.concat([
    stringField(1, node.name),
    stringField(2, node.op),
    ...node.inputs.map((input) => stringField(3, input)),
    ...Object.entries(node.attributes).map(([key, attribute]) =>
      bytesField(
        5,
        Buffer.concat([
          stringField(1, key),
          bytesField(2, attrValue(attribute)),
        ]),
      ),
    ),
  ]);

/** Serialized GraphDef of the nodes, which may be in any order. */
export function graphDef(nodes: readonly NodeDef[]): Uint8Array {
  return Buffer.concat([
    ...nodes.map((node) => bytesField(1, nodeDef(node))),
    bytesField(4, intField(1, GRAPH_VERSION)),
  ]);
}

const OFF = 2;
/**
 * Serialized ConfigProto. Soft placement is always on: ops without a GPU kernel run on the CPU. Arithmetic optimisation is always off:
 * it reorders sums, after which a compiled step is no longer bit-equal to the eager one.
 */
export function configProto(options: SessionOptions): Uint8Array {
  const jitLevel = optional(options.xlaLevel, (level) =>
    bytesField(3, intField(5, level === 0 ? -1 : level)),
  );
  const rewriteOptions = bytesField(10, intField(7, OFF));
  return Buffer.concat([
    optional(options.intraOpThreads, (n) => intField(2, n)),
    optional(options.interOpThreads, (n) => intField(5, n)),
    optional(options.gpuGrowth, (on) => bytesField(6, intField(4, Number(on)))),
    intField(7, 1),
    bytesField(10, Buffer.concat([jitLevel, rewriteOptions])),
  ]);
}

const FULL_TRACE = 3;
/** Serialized RunOptions, or null where the defaults will do. */
export function runOptionsProto(options: RunOptions): Uint8Array | null {
  if (options.timeoutMs === undefined && options.onMetadata === undefined)
    return null;
  return Buffer.concat([
    optional(options.onMetadata, () => intField(1, FULL_TRACE)),
    optional(options.timeoutMs, (ms) => intField(2, Math.ceil(ms))),
  ]);
}
