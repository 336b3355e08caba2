/** JSON objects of the store: readable by people (indented, one final newline), and parsed without throwing. */
import { toError } from "../base/errors.ts";

export type JsonRead =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "broken"; readonly problem: string };

export function toJsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}

/** `broken` says why: cut off, not UTF-8, not JSON. */
export function readJson(bytes: Uint8Array): JsonRead {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return { kind: "value", value: JSON.parse(text) };
  } catch (thrown) {
    return {
      kind: "broken",
      problem: `its ${bytes.byteLength} bytes are not JSON (${toError(thrown).message})`,
    };
  }
}
