/**
 * A mistake in a pipeline file: a value, collected with all others and shown at once, sorted by position.
 * Codes are stable API. Rendering is separate and pure.
 */

export type IssuePath = readonly (string | number)[];

export type Issue = {
  /** Stable and dotted: `yaml.…` for the text, `spec.…` for what it says. */
  readonly code: string;
  /** Where in the document: keys and indexes. */
  readonly path: IssuePath;
  /** What was expected and what was found. */
  readonly message: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units, as editors count. */
  readonly column: number;
  /** The next thing to try. */
  readonly hint?: string;
};

/** An issue that still has to be placed: what the checks return. */
export type Mistake = Pick<Issue, "code" | "path" | "message" | "hint"> & {
  /** Whether it points at the key of a map's entry or at the value. */
  readonly place: IssuePlace;
};
export type IssuePlace = "key" | "value";

/** Mistakes without those about a value, or a part of one, that `causes` already refused. */
export function withoutConsequences(
  mistakes: readonly Mistake[],
  causes: readonly { readonly path: IssuePath }[],
): readonly Mistake[] {
  const refused = new Set(causes.map(({ path }) => JSON.stringify(path)));
  if (refused.size === 0) return mistakes;
  return mistakes.filter(
    ({ path }) =>
      !path.some((_, i) => refused.has(JSON.stringify(path.slice(0, i + 1)))),
  );
}

/** Sorted by position, without repetitions. */
export function sortIssues(issues: readonly Issue[]): Issue[] {
  const seen = new Set<string>();
  return [...issues]
    .sort(
      (a, b) =>
        a.line - b.line || a.column - b.column || (a.code < b.code ? -1 : 1),
    )
    .filter((issue) => {
      const identity = `${issue.line}:${issue.column} ${issue.code} ${issue.message}`;
      return !seen.has(identity) && seen.add(identity);
    });
}

const LONGEST_LINE = 120;

/** The issues as people read them: `file:line:column`, the line of the file with a caret under the place, the hint. */
export function renderIssues(
  issues: readonly Issue[],
  source: { readonly file: string; readonly text: string },
): string {
  const lines = source.text.split(/\r\n|\n|\r/);
  const blocks = issues.map((issue) =>
    renderIssue(issue, source.file, lines[issue.line - 1] ?? ""),
  );
  const count = issues.length === 1 ? "1 mistake" : `${issues.length} mistakes`;
  return [...blocks, `${count} in ${source.file}`].join("\n\n") + "\n";
}

function renderIssue(issue: Issue, file: string, line: string): string {
  // A window around the place: a caret below a line that wraps points at nothing.
  const from = Math.max(0, issue.column - 1 - LONGEST_LINE / 2);
  const shown = printable(line.slice(from, from + LONGEST_LINE));
  const number = String(issue.line);
  const gutter = " ".repeat(number.length);
  return [
    `${file}:${issue.line}:${issue.column}: ${issue.message} [${issue.code}]`,
    `  ${number} | ${shown}`,
    `  ${gutter} | ${" ".repeat(issue.column - 1 - from)}^`,
    ...(issue.hint === undefined ? [] : [`  ${gutter}   ${issue.hint}`]),
  ].join("\n");
}

/** Tabs as one blank, so that the caret stands under its character; nothing that steers a terminal. */
function printable(line: string): string {
  return line.replace(/\t/g, " ").replace(/[\p{Cc}\p{Cf}\ufffd]/gu, "·");
}
