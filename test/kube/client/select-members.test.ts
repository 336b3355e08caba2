/** The text of JSON without members: parsed, it is what a filter leaves of the parsed whole. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  selectMembers,
  type Members,
} from "../../../src/kube/client/select-members.ts";

type Json = null | boolean | number | string | Json[] | { [k: string]: Json };

/** What is meant, by the parsed value. */
function filter(value: Json, members: Members): Json {
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return value;
  const kept = Object.entries(value).flatMap(([name, member]) => {
    // As it is written.
    const wanted = members(JSON.stringify(name).slice(1, -1));
    if (wanted === false) return [];
    const inside = wanted === true ? member : filter(member, wanted);
    return [[name, inside] as const];
  });
  return Object.fromEntries(kept);
}

const isObject = (value: Json): boolean =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** By the length of a name: left out, kept, or looked into. */
const byLength: Members = (name) =>
  name.length % 3 === 0 ? false : name.length % 3 === 1 ? true : byLength;

describe("selectMembers", () => {
  test.each([
    [`{"a":1,"b":2,"c":3}`, `{"c":3}`],
    [`{"c":3,"a":1,"b":2}`, `{"c":3}`],
    [`{"a":1,"c":3,"b":2}`, `{"c":3}`],
    [`{"a":1}`, `{}`],
    [`{"a":{"c":1},"b":[{}]}`, `{}`],
    [`{}`, `{}`],
    [`{"c":{"a":1}}`, `{"c":{"a":1}}`],
    [`{"d":{"a":1,"c":2},"a":{}}`, `{"d":{"c":2}}`],
    [`{"d":["a"],"a":"}"}`, `{"d":["a"]}`],
    [String.raw`{"a":"\"","c":"\\"}`, String.raw`{"c":"\\"}`],
    [String.raw`{"a":"\\","c":"\\\""}`, String.raw`{"c":"\\\""}`],
    [`{"a":-1.5e+3,"b":null,"c":false}`, `{"c":false}`],
  ])("%s → %s", (text, kept) => {
    const inside: Members = (name) => name === "c";
    const members: Members = (name) => (name === "d" ? inside : name === "c");
    expect(selectMembers(text, members)).toBe(kept);
  });

  test("leaves of any object what a filter leaves of it", () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 5 }).filter((v) => isObject(v as Json)),
        (value) => {
          const whole = JSON.parse(JSON.stringify(value)) as Json;
          const text = JSON.stringify(whole);
          expect(JSON.parse(selectMembers(text, byLength))).toEqual(
            filter(whole, byLength),
          );
          expect(selectMembers(text, () => true)).toBe(text);
        },
      ),
    );
  });

  test("text that is cut off anywhere is refused", () => {
    const text = String.raw`{"a":{"x":["\"",1]},"cc":true,"b":[{"d":"\\"}],"e":{}}`;
    for (let end = 0; end < text.length; end++)
      expect(() => selectMembers(text.slice(0, end), byLength)).toThrow(
        SyntaxError,
      );
  });

  test.each([`[]`, `1`, `{} `, `{"a":1}}`, `{"a" :1}`, `{"a":}`, `{a:1}`])(
    "%s is refused",
    (text) => {
      expect(() => selectMembers(text, byLength)).toThrow(SyntaxError);
    },
  );
});
