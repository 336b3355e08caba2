/** The one meaning of a byte range, and of a stream that keeps its promised length, for all adapters. */
import { UserError } from "../base/errors.ts";
import type { ByteRange } from "./store.ts";

/** Throws `store.range` (UserError) unless the range lies inside an object of `sizeBytes`. */
export function checkRange(
  path: string,
  range: ByteRange,
  sizeBytes: number,
): void {
  const { offset, length } = range;
  if (!isCount(offset) || !isCount(length))
    throw new RangeError(`'${path}': no range is ${offset}+${length}`);
  if (offset + length <= sizeBytes) return;
  throw new UserError({
    code: "store.range",
    message: `'${path}' has ${sizeBytes} bytes; bytes ${offset} to ${offset + length} were asked for`,
    hint: "the object is shorter than whoever asked believes: it was cut off, or replaced",
  });
}

/** Passes chunks on and throws when they are not `sizeBytes` in all: a bug of who made them. */
export async function* withExactSize(
  path: string,
  sizeBytes: number,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let seen = 0;
  for await (const chunk of chunks) {
    seen += chunk.byteLength;
    if (seen > sizeBytes) break;
    yield chunk;
  }
  if (seen !== sizeBytes)
    throw new Error(
      `'${path}': ${sizeBytes} bytes were promised, ${seen > sizeBytes ? "more" : seen} came`,
    );
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
