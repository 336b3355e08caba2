import { describe, expect, it } from "vitest";
import { renderIssues, sortIssues, type Issue } from "../../src/spec/issue.ts";

const issue: Issue = {
  code: "spec.type",
  path: ["seeds"],
  message: "expected a list, found 3",
  line: 2,
  column: 8,
  hint: "write [3]",
};

describe("issues as people read them", () => {
  it("show the line with a caret under the place, and the hint below", () => {
    expect(
      renderIssues([issue], { file: "a.yaml", text: "name: x\nseeds: 3\n" }),
    ).toBe(`a.yaml:2:8: expected a list, found 3 [spec.type]
  2 | seeds: 3
    |        ^
      write [3]

1 mistake in a.yaml
`);
  });

  it("show a window of a line that is too long for a terminal", () => {
    const text = `${"x".repeat(500)}HERE${"y".repeat(500)}`;
    const [, line = "", caret = ""] = renderIssues(
      [{ ...issue, line: 1, column: 501 }],
      { file: "a.yaml", text },
    ).split("\n");

    expect(line.length).toBeLessThan(140);
    expect(line.slice(caret.indexOf("^")).startsWith("HERE")).toBe(true);
  });

  it("let nothing through that steers a terminal", () => {
    const rendered = renderIssues([{ ...issue, line: 1, column: 1 }], {
      file: "a.yaml",
      text: "\u001b[31mred\u202e\tx",
    });

    for (const character of ["\u001b", "\u202e", "\t"])
      expect(rendered).not.toContain(character);
  });
});

describe("sorting issues", () => {
  it("orders by line, then column, and drops what is said twice", () => {
    const first = { ...issue, line: 1, column: 9 };
    const second = { ...issue, column: 1 };

    expect(sortIssues([issue, second, first, issue])).toEqual([
      first,
      second,
      issue,
    ]);
  });
});
