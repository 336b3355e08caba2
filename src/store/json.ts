/** JSON objects of the store: readable by people (indented, one final newline), and parsed without throwing. */
import { toError } from "../base/errors.ts";

export type JsonRead =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "broken"; readonly problem: string };

export function toJsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}

/** Far more than anything of ours has, and far less than a stack. */
const maxDepth = 100;

/** `broken` says why: cut off, not UTF-8, not JSON, nested too deep for whoever walks over it. */
export function readJson(bytes: Uint8Array): JsonRead {
  if (isTooDeep(bytes))
    return { kind: "broken", problem: `it is nested over ${maxDepth} deep` };
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

/** Whether JSON in UTF-8 nests deeper than the store's objects may. */
export function isTooDeep(bytes: Uint8Array): boolean {
  let depth = 0;
  let isText = false;
  for (let i = 0; i < bytes.byteLength; i++) {
    const byte = bytes[i];
    if (byte === quote) isText = !isText;
    else if (isText) i += byte === backslash ? 1 : 0;
    else if (byte === openBracket || byte === openBrace) {
      if (++depth > maxDepth) return true;
    } else if (byte === closeBracket || byte === closeBrace) depth--;
  }
  return false;
}

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
