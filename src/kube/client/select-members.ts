/**
 * The text of a JSON value without the members that nobody reads. Looking for where a member ends costs a third of parsing
 * it, and of an object that comes by the thousand most is read by nobody.
 *
 * Text as servers write it: without white space between its parts, and names without escapes (RFC 8259 allows both). What
 * is cut out is looked at for its strings and brackets alone.
 */

/** Whether a member is wanted, by its name; a rule of its own: of its members those, if it is an object. */
export type Members = (name: string) => boolean | Members;

const quote = 0x22;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
/** A number, `true`, `false` or `null`. */
const scalar = /[-+.\w]+/y;

type Cut = { readonly from: number; readonly to: number };

/** Throws SyntaxError for text that is not as it is written above, as far as it was looked at. */
export function selectMembers(text: string, members: Members): string {
  const cuts: Cut[] = [];
  const end = findCuts(text, 0, members, cuts);
  if (end !== text.length) throw unexpected(text, end);
  let kept = "";
  let from = 0;
  for (const cut of cuts) {
    if (cut.from > from) kept += text.slice(from, cut.from);
    from = cut.to;
  }
  return kept + text.slice(from);
}

/** Of the object that begins at `start`. Returns where it ends. */
function findCuts(
  text: string,
  start: number,
  members: Members,
  cuts: Cut[],
): number {
  if (text[start] !== "{") throw unexpected(text, start);
  let at = start + 1;
  if (text[at] === "}") return at + 1;
  for (let hasKept = false; ; at++) {
    const nameEnd = endOfString(text, at);
    if (text[nameEnd] !== ":") throw unexpected(text, nameEnd);
    const wanted = members(text.slice(at + 1, nameEnd - 1));
    const isInside = typeof wanted === "function" && text[nameEnd + 1] === "{";
    const end = isInside
      ? findCuts(text, nameEnd + 1, wanted, cuts)
      : endOfValue(text, nameEnd + 1);
    const isLast = text[end] === "}";
    if (!isLast && text[end] !== ",") throw unexpected(text, end);
    // With the comma before it, or the one after it if it would be the first.
    if (wanted === false)
      cuts.push(
        hasKept
          ? { from: at - 1, to: end }
          : { from: at, to: isLast ? end : end + 1 },
      );
    else hasKept = true;
    if (isLast) return end + 1;
    at = end;
  }
}

function endOfString(text: string, start: number): number {
  if (text[start] !== '"') throw unexpected(text, start);
  for (let from = start + 1; ;) {
    const end = text.indexOf('"', from);
    if (end < 0) throw unexpected(text, text.length);
    let before = end;
    while (text[before - 1] === "\\") before--;
    // Escaped, unless each backslash before it is.
    if ((end - before) % 2 === 0) return end + 1;
    from = end + 1;
  }
}

function endOfValue(text: string, start: number): number {
  if (text[start] === '"') return endOfString(text, start);
  if (text[start] !== "{" && text[start] !== "[")
    return endOfScalar(text, start);
  let depth = 0;
  for (let at = start; at < text.length; at++)
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at) - 1;
        break;
      case openBrace:
      case openBracket:
        depth++;
        break;
      case closeBrace:
      case closeBracket:
        if (--depth === 0) return at + 1;
    }
  throw unexpected(text, text.length);
}

function endOfScalar(text: string, start: number): number {
  scalar.lastIndex = start;
  if (!scalar.test(text)) throw unexpected(text, start);
  return scalar.lastIndex;
}

function unexpected(text: string, at: number): SyntaxError {
  const found = at < text.length ? `'${text[at]}'` : "the end of the text";
  return new SyntaxError(`${found} at ${at} is not expected there`);
}
