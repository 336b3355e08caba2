/** Whatever the text, the parser answers with a spec or with issues inside the text; it never throws. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePipeline } from "../../src/spec/parse.ts";
import { randomPipeline } from "../support/random-pipelines.ts";

function expectAnswer(source: string | Uint8Array): void {
  const parsed = parsePipeline(source);
  if (parsed.ok) return;
  expect(parsed.issues.length).toBeGreaterThan(0);
  for (const { code, line, column } of parsed.issues) {
    expect(code).toMatch(/^(yaml|spec)\.[a-z0-9-]+$/);
    expect(line).toBeGreaterThan(0);
    expect(column).toBeGreaterThan(0);
  }
}

describe("any input", () => {
  it("is answered if it is random text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), expectAnswer),
      { numRuns: 100 },
    );
  });

  it("is answered if it is random bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), expectAnswer), {
      numRuns: 100,
    });
  });

  it("is answered if it is a pipeline with a piece cut out or replaced", () => {
    const wreck = fc.tuple(
      randomPipeline,
      fc.nat(10_000),
      fc.nat(60),
      fc.constantFrom(
        "",
        "\t",
        "*a",
        "&a",
        "{",
        "]",
        "~",
        "!x ",
        '"',
        "\n- ",
        "${params.x}",
        "1e999",
      ),
    );
    fc.assert(
      fc.property(wreck, ([pipeline, position, length, piece]) => {
        const text = JSON.stringify(pipeline, null, 1);
        const at = position % text.length;
        expectAnswer(text.slice(0, at) + piece + text.slice(at + length));
      }),
      { numRuns: 100 },
    );
  });

  it("is answered if it is a pipeline with a value of another type somewhere", () => {
    const wreck = fc.tuple(
      randomPipeline,
      fc.nat(10_000),
      fc.jsonValue({ maxDepth: 2 }),
    );
    fc.assert(
      fc.property(wreck, ([pipeline, position, replacement]) => {
        let count = 0;
        const text = JSON.stringify(pipeline, (_key, value: unknown) =>
          count++ === 1 + (position % 40) ? replacement : value,
        );
        expectAnswer(text);
      }),
      { numRuns: 100 },
    );
  });
});
