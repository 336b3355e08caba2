/**
 * Reads and distrusts the header of a safetensors file. Refused: a header over 100 MB or past the end of the file,
 * text that is not UTF-8 JSON of the expected depth, a name given twice (JSON.parse would keep the last, other
 * readers the first), types that are not known, shapes that do not match their bytes, and data with gaps, overlaps or
 * a rest.
 */
import { z } from "zod";
import { UserError } from "../../base/errors.ts";
import { readJson } from "../json.ts";

/** What a tensor is, without its numbers. */
export type TensorSpec = {
  readonly dtype: "F32" | "I32" | "U8" | "BOOL" | "F16" | "BF16" | "I64";
  readonly shape: readonly number[];
};

/** A tensor as raw little-endian bytes. */
export type TensorData = TensorSpec & { readonly bytes: Uint8Array };

const maxHeaderBytes = 100_000_000;
/** Object of objects of arrays. */
const maxDepth = 3;

/** Bytes of one element. */
export const elementBytes: Readonly<Record<TensorData["dtype"], number>> = {
  I64: 8,
  F32: 4,
  I32: 4,
  F16: 2,
  BF16: 2,
  U8: 1,
  BOOL: 1,
};

const count = z.int().nonnegative();
const entrySchema = z.strictObject({
  dtype: z.enum(["I64", "F32", "I32", "F16", "BF16", "U8", "BOOL"]),
  shape: z.array(count).max(64),
  data_offsets: z.tuple([count, count]),
});
/** `__metadata__`. Not z.record, which drops a key `__proto__`. */
export const metadataSchema = z.custom<Readonly<Record<string, string>>>(
  (value) =>
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((word) => typeof word === "string"),
  "expected an object of strings",
);

export type HeaderEntry = {
  readonly name: string;
  readonly dtype: TensorData["dtype"];
  readonly shape: readonly number[];
  /** Relative to the data. */
  readonly begin: number;
  readonly end: number;
};

export type Header = {
  readonly entries: readonly HeaderEntry[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the data starts in the file. */
  readonly dataStart: number;
};

/** Throws `safetensors.invalid` (UserError). */
export function parseHeader(bytes: Uint8Array): Header {
  const text = sliceHeader(bytes);
  checkKeys(text);
  const json = readJson(text);
  if (json.kind === "broken") throw invalid(json.problem);
  const entries: HeaderEntry[] = [];
  let metadata: Readonly<Record<string, string>> = {};
  for (const [name, value] of Object.entries(json.value as object)) {
    if (name === "__metadata__") metadata = parse(metadataSchema, name, value);
    else entries.push(toEntry(name, value));
  }
  const dataStart = 8 + text.byteLength;
  checkCoverage(entries, bytes.byteLength - dataStart);
  return { entries, metadata, dataStart };
}

function sliceHeader(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength < 8)
    throw invalid(`it has ${bytes.byteLength} bytes, fewer than 8`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes))
    throw invalid(`its header of ${length} bytes is over ${maxHeaderBytes}`);
  if (length > BigInt(bytes.byteLength - 8))
    throw invalid(
      `its header of ${length} bytes ends after the file's ${bytes.byteLength} bytes`,
    );
  const text = bytes.subarray(8, 8 + Number(length));
  if (text[0] !== 0x7b) throw invalid("its header does not start with '{'");
  return text;
}

/**
 * One pass over the text, before JSON.parse: bounded depth, no name twice in one object. Strings are skipped by
 * their bytes, which is right in UTF-8, where no part of a longer character looks like a quote or a backslash.
 */
function checkKeys(text: Uint8Array): void {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.byteLength; at++) {
    const byte = text[at];
    if (byte === 0x7b || byte === 0x5b) {
      open.push(new Set());
      if (open.length > maxDepth) throw invalid("its header nests too deep");
    } else if (byte === 0x7d || byte === 0x5d) open.pop();
    else if (byte === 0x22) {
      const end = findStringEnd(text, at);
      if (isFollowedByColon(text, end)) addKey(open.at(-1), text, at, end);
      at = end;
    }
  }
}

function addKey(
  keys: Set<string> | undefined,
  text: Uint8Array,
  start: number,
  end: number,
): void {
  const json = readJson(text.subarray(start, end + 1));
  if (json.kind === "broken") throw invalid(json.problem);
  const key = String(json.value);
  if (keys?.has(key))
    throw invalid(`'${key.slice(0, 100)}' stands there twice`);
  keys?.add(key);
}

function findStringEnd(text: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < text.byteLength && text[at] !== 0x22)
    at += text[at] === 0x5c ? 2 : 1;
  return at;
}

function isFollowedByColon(text: Uint8Array, end: number): boolean {
  let at = end + 1;
  while ([0x20, 0x09, 0x0a, 0x0d].includes(text[at] ?? 0)) at++;
  return text[at] === 0x3a;
}

function toEntry(name: string, value: unknown): HeaderEntry {
  const { dtype, shape, data_offsets } = parse(entrySchema, name, value);
  const [begin, end] = data_offsets;
  const sizeBytes = shape.reduce(
    (size, dimension) => size * dimension,
    elementBytes[dtype],
  );
  // A product beyond 2^53 is not exact, and cannot equal the size of a file either.
  if (end < begin || sizeBytes !== end - begin)
    throw invalid(
      `'${name}' is ${dtype}[${shape.join(", ")}], which does not fill bytes ${begin} to ${end}`,
    );
  return { name, dtype, shape, begin, end };
}

function parse<S extends z.ZodType>(
  schema: S,
  name: string,
  value: unknown,
): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(
    `'${name.slice(0, 100)}' ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`,
  );
}

function checkCoverage(
  entries: readonly HeaderEntry[],
  dataBytes: number,
): void {
  let at = 0;
  const sorted = [...entries].sort(
    (a, b) => a.begin - b.begin || a.end - b.end,
  );
  for (const { name, begin, end } of sorted) {
    if (begin !== at)
      throw invalid(
        `'${name}' begins at byte ${begin} of the data, the one before it ends at ${at}`,
      );
    at = end;
  }
  if (at !== dataBytes)
    throw invalid(`its tensors fill ${at} of ${dataBytes} bytes of data`);
}

function invalid(problem: string): UserError {
  return new UserError({
    code: "safetensors.invalid",
    message: `not a safetensors file that can be used: ${problem}`,
    hint: "get the file again from where it came; it may be cut off, or of another format",
  });
}
