/**
 * The safetensors format, which PyTorch, JAX and the Hugging Face tools read: an 8-byte little-endian header length,
 * a JSON header (name → dtype, shape, offsets), then the tensors' raw little-endian bytes
 * (https://github.com/huggingface/safetensors, "Format").
 *
 * Encoding: tensors of wide types first, then by name, so that every tensor is aligned to its element size; the header
 * is padded with spaces to 8 bytes. The same tensors give the same bytes.
 * Decoding takes the file for hostile: lengths, offsets, shapes and names are checked before anything is used, and
 * a tensor is a view of the file's bytes, never a copy. Throws `safetensors.invalid` (UserError).
 */
import {
  elementBytes,
  parseHeader,
  type TensorData,
  type TensorSpec,
} from "./safetensors-header.ts";

export type Safetensors = {
  readonly tensors: ReadonlyMap<string, TensorData>;
  /** `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
};

export type SafetensorsLayout = {
  /** The file's first bytes. */
  readonly header: Uint8Array;
  readonly sizeBytes: number;
  /** Where each tensor's bytes are in the file, in their order. */
  readonly tensors: readonly {
    readonly name: string;
    readonly begin: number;
    readonly end: number;
  }[];
};

/** A file of these tensors, without their numbers: for who writes them in their place. */
export function layOutSafetensors(
  tensors: ReadonlyMap<string, TensorSpec>,
  metadata: Readonly<Record<string, string>> = {},
): SafetensorsLayout {
  const sorted = [...tensors].sort(
    ([aName, a], [bName, b]) =>
      elementBytes[b.dtype] - elementBytes[a.dtype] ||
      (aName < bName ? -1 : Number(aName > bName)),
  );
  const entries: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0)
    entries.push(["__metadata__", metadata]);
  let end = 0;
  const places = sorted.map(([name, { dtype, shape }]) => {
    checkName(name);
    const begin = end;
    end += toSizeBytes({ dtype, shape });
    entries.push([name, { dtype, shape, data_offsets: [begin, end] }]);
    return { name, begin, end };
  });
  const header = encodeHeader(entries);
  const start = header.byteLength;
  return {
    header,
    sizeBytes: start + end,
    tensors: places.map((place) => ({
      name: place.name,
      begin: start + place.begin,
      end: start + place.end,
    })),
  };
}

/** The file as one array. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, TensorData>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const layout = layOutSafetensors(tensors, metadata);
  const bytes = new Uint8Array(layout.sizeBytes);
  bytes.set(layout.header);
  for (const { name, begin, end } of layout.tensors) {
    const tensor = tensors.get(name) as TensorData;
    checkSize(name, tensor, end - begin);
    bytes.set(tensor.bytes, begin);
  }
  return bytes;
}

/** Tensors as views of `bytes`: keep the file's bytes unchanged as long as they are used. */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  const { entries, metadata, dataStart } = parseHeader(bytes);
  const tensors = new Map<string, TensorData>();
  for (const { name, dtype, shape, begin, end } of entries)
    tensors.set(name, {
      dtype,
      shape,
      bytes: bytes.subarray(dataStart + begin, dataStart + end),
    });
  return { tensors, metadata };
}

/** An F32 tensor's numbers: a view if its bytes are aligned, else a copy. */
export function toFloat32Array(tensor: TensorData): Float32Array {
  const { dtype, bytes } = tensor;
  if (dtype !== "F32")
    throw new Error(`a tensor of ${dtype} was read as numbers of type F32`);
  const isAligned = bytes.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0;
  const aligned = isAligned ? bytes : new Uint8Array(bytes);
  return new Float32Array(
    aligned.buffer,
    aligned.byteOffset,
    aligned.byteLength / Float32Array.BYTES_PER_ELEMENT,
  );
}

function encodeHeader(entries: readonly [string, unknown][]): Uint8Array {
  // Not JSON.stringify of an object: keys like "1" would be reordered, and "__proto__" lost.
  const fields = entries.map(
    ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
  );
  const json = Buffer.from(`{${fields.join(",")}}`);
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, 8);
  return header;
}

function toSizeBytes({ dtype, shape }: TensorSpec): number {
  return shape.reduce(
    (size, dimension) => size * dimension,
    elementBytes[dtype],
  );
}

function checkName(name: string): void {
  if (name === "__metadata__" || !name.isWellFormed())
    throw new Error(`${JSON.stringify(name)} cannot name a tensor`);
}

function checkSize(name: string, tensor: TensorData, wanted: number): void {
  const { dtype, shape, bytes } = tensor;
  if (wanted !== bytes.byteLength)
    throw new Error(
      `tensor '${name}' ${dtype}[${shape.join(", ")}] needs ${wanted} bytes and has ${bytes.byteLength}`,
    );
}
