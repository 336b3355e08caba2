/** Objects from their text, without who wrote which field. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseObject } from "../../../src/kube/client/strip.ts";

const field = ',"managedFields":[';

/** As the server writes them: in a list that lies in the object's metadata. */
const event = (managedFields: unknown) => ({
  type: "MODIFIED",
  object: {
    kind: "Pod",
    metadata: { name: "a", labels: { x: "y" }, managedFields },
    status: { phase: "Running", conditions: [{ type: "Ready" }] },
  },
});
const writers = [
  {
    manager: "kubelet",
    operation: "Update",
    fieldsV1: { "f:status": { 'k:{"type":"Ready"}': { ".": {} } } },
    subresource: "status",
  },
];

function without<T extends { object: { metadata: object } }>(whole: T) {
  const metadata = { ...whole.object.metadata, managedFields: undefined };
  return { ...whole, object: { ...whole.object, metadata } };
}

describe("parseObject", () => {
  test("leaves out who wrote which field, and nothing else", () => {
    const whole = event(writers);
    expect(parseObject(JSON.stringify(whole))).toEqual(without(whole));
    expect(parseObject(JSON.stringify(whole))).not.toHaveProperty(
      "object.metadata.managedFields",
    );
  });

  test("an object without them is parsed as it is", () => {
    const plain = { kind: "Pod", metadata: { name: "a" }, list: [1, [2]] };
    expect(parseObject(JSON.stringify(plain))).toEqual(plain);
  });

  test.each([
    ["a bracket in a key", [{ fieldsV1: { 'v:"a]b"': {} } }]],
    ["a bracket in a value", [{ manager: "a]" }, { manager: "b" }]],
    ["a list inside", [{ fieldsV1: { set: ["a", "b"] } }, { manager: "c" }]],
    ["a bracket and quotes", [{ manager: '"]"' }]],
  ])("%s: the whole text is parsed", (_, managedFields) => {
    const whole = event(managedFields);
    expect(parseObject(JSON.stringify(whole))).toEqual(whole);
  });

  test("the words in somebody's text are text", () => {
    const spoken = { note: `x${field}1]`, list: [field, "]"] };
    expect(parseObject(JSON.stringify(spoken))).toEqual(spoken);
  });

  test("whatever stands in it, the rest of the object is as it was", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.jsonValue(), (list, rest) => {
        const whole = { ...event(list), rest };
        const parsed = parseObject(JSON.stringify(whole)) as typeof whole;
        const { managedFields = list } = parsed.object.metadata;
        expect(managedFields).toEqual(JSON.parse(JSON.stringify(list)));
        expect(JSON.stringify(without(parsed))).toBe(
          JSON.stringify(without(whole)),
        );
      }),
    );
  });

  test.each(["", "{", `{"a":1${field}{}`, `{"a":1${field}{}],`, "]"])(
    "%j is refused",
    (text) => {
      expect(() => parseObject(text)).toThrow(SyntaxError);
    },
  );
});
