/**
 * From the bytes of a pipeline file to its text, or the reason why it is none: size, encoding, control characters.
 * Everything here is refused before the YAML library sees it.
 */
import type { Issue } from "../issue.ts";

/** Far above what people write; low enough that a hostile file costs little. */
export const MAX_SOURCE_CHARACTERS = 4 * 2 ** 20;

export type SourceText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly issue: Issue };

/** The text, if it is UTF-8 without byte-order mark, of bounded size, and made of printable characters. */
export function toSourceText(source: string | Uint8Array): SourceText {
  if (source.length > MAX_SOURCE_CHARACTERS)
    return refuse("yaml.too-large", 0, "", {
      message: `expected at most ${MAX_SOURCE_CHARACTERS / 2 ** 20} MiB, found ${(source.length / 2 ** 20).toFixed(1)} MiB`,
      hint: "a matrix says the same in fewer lines",
    });
  const text =
    typeof source === "string"
      ? source
      : new TextDecoder("utf-8", { ignoreBOM: true }).decode(source);
  if (isUtf16(source, text))
    return refuse("yaml.utf16", 0, text, {
      message: "expected UTF-8, found UTF-16",
      hint: "save the file as UTF-8",
    });
  if (text.startsWith("\ufeff"))
    return refuse("yaml.byte-order-mark", 0, text, {
      message: "expected plain UTF-8, found a byte-order mark at the start",
      hint: "save the file as UTF-8 without byte-order mark",
    });
  const binary = text.search(NOT_TEXT);
  if (binary >= 0)
    return refuse("yaml.binary", binary, text, {
      message: `expected text in UTF-8, found ${describeCharacter(text, binary)}`,
      hint: "is this a pipeline file?",
    });
  if (!SOMETHING.test(text))
    return refuse("yaml.empty", 0, text, {
      message: "expected a pipeline, found an empty file",
      hint: "a pipeline has a name and stages; pipelines/tiny.yaml is one",
    });
  return { ok: true, text };
}

/** What YAML 1.2 calls not printable, and the sign that a decoder leaves for bytes that are no UTF-8. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const NOT_TEXT = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd\ufffe\uffff]/;
/** A line that is neither blank, nor a comment, nor a document marker. */
const SOMETHING = /^(?!\s*(#.*)?$|---\s*(#.*)?$|\.\.\.\s*$)/m;

/** Read as UTF-8, UTF-16 has a zero byte beside every ASCII character. */
function isUtf16(source: string | Uint8Array, text: string): boolean {
  const [a, b] = typeof source === "string" ? [0, 0] : source;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) return true;
  // oxlint-disable-next-line no-control-regex -- zero bytes are what is looked for
  return /^(?:\ufffd\ufffd)?(?:[^\0]\0){2}|^(?:\ufffd\ufffd)?(?:\0[^\0]){2}/.test(
    text,
  );
}

function describeCharacter(text: string, offset: number): string {
  const code = text.charCodeAt(offset);
  if (code === 0xfffd) return "bytes that are no UTF-8";
  return `the control character U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

function refuse(
  code: string,
  offset: number,
  text: string,
  words: { readonly message: string; readonly hint: string },
): SourceText {
  const before = text.slice(0, offset).split(/\r\n|\n|\r/);
  const column = (before.at(-1) ?? "").length + 1;
  return {
    ok: false,
    issue: { code, path: [], line: before.length, column, ...words },
  };
}
