import { createContext, runInContext } from "node:vm";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  evaluateFormula,
  isDifference,
  namesOf,
  parseFormula,
  type Formula,
} from "../../src/spec/formula.ts";

const values = new Map([
  ["a", 8],
  ["b", 2],
  ["c_1", 3],
]);

function read(text: string): Formula {
  const parsed = parseFormula(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.formula;
}

describe("a formula", () => {
  it.each([
    ["a", 8],
    ["1.5", 1.5],
    ["a - b", 6],
    ["a-b-c_1", 3],
    ["a / b / 2", 2],
    ["a - b * c_1", 2],
    ["(a - b) * c_1", 18],
    ["(a - b) - (c_1 - b)", 5],
    [" a/b - c_1/b ", 2.5],
    ["((a))", 8],
  ])("%s is %d", (text, want) => {
    expect(evaluateFormula(read(text), values)).toBe(want);
  });

  it("has names, each once, in their order", () => {
    expect(namesOf(read("b / a - b / c_1 + 2"))).toEqual(["b", "a", "c_1"]);
  });

  it.each([
    ["a - b", true],
    ["(a - b) - (a - c_1)", true],
    ["a / b - 1", true],
    ["a / b", false],
    ["a", false],
    ["(a - b) / a", false],
  ])("%s is a difference: %s", (text, want) => {
    expect(isDifference(read(text))).toBe(want);
  });

  it("is not finite where it divides by nought", () => {
    const formula = read("a / (b - 2)");
    expect(Number.isFinite(evaluateFormula(formula, values))).toBe(false);
  });

  it("refuses to guess the value of a name that has none", () => {
    expect(() => evaluateFormula(read("d"), values)).toThrow(RangeError);
  });

  it.each([
    ["", "expected a name or a number, found the end"],
    ["a -", "expected a name or a number, found the end"],
    ["a b", "expected an operator, found 'b'"],
    ["(a", "expected ')', found the end"],
    ["a)", "expected an operator, found ')'"],
    ["-a", "expected a name or a number, found '-'"],
    ["a ^ 2", "found '^'"],
    ["2a", "expected an operator, found 'a'"],
    ["()", "expected a name or a number, found ')'"],
    ["_a", "found '_'"],
    ["(".repeat(10_000), "expected at most 50 open brackets"],
  ])("%j is refused", (text, want) => {
    const parsed = parseFormula(text);
    expect(parsed.ok ? "" : parsed.message).toContain(want);
  });

  it("agrees with JavaScript's own arithmetic", () => {
    const operand = fc.oneof(
      fc.constantFrom("a", "b", "c_1"),
      fc.integer({ min: 1, max: 9 }).map(String),
    );
    const { text } = fc.letrec<{ text: string }>((tie) => ({
      text: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        operand,
        fc
          .tuple(tie("text"), fc.constantFrom("+", "-", "*", "/"), tie("text"))
          .map(([left, sign, right]) => `(${left} ${sign} ${right})`),
        fc
          .tuple(operand, fc.constantFrom("+", "-", "*", "/"), tie("text"))
          .map(([left, sign, right]) => `${left} ${sign} ${right}`),
      ),
    }));
    const context = createContext(Object.fromEntries(values));
    const oracle = (source: string) => runInContext(source, context) as number;
    fc.assert(
      fc.property(text, (source) => {
        expect(evaluateFormula(read(source), values)).toBe(oracle(source));
      }),
    );
  });

  it("never throws, whatever the text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(typeof parseFormula(text).ok).toBe("boolean");
      }),
    );
  });
});
