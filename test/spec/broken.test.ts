/**
 * Every file of `broken/` and the mistakes it must report: code, line and column, all of them and no others. A file
 * says what it wants in comments at its top, `# want: spec.type 4:12`; one that cannot hold comments, in a sidecar.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { renderIssues } from "../../src/spec/issue.ts";
import { parsePipeline } from "../../src/spec/parse.ts";

const folder = path.join(import.meta.dirname, "broken");
const files = readdirSync(folder).filter((file) => !file.endsWith(".want"));

function wantOf(file: string): string[] {
  const sidecar = path.join(folder, `${file}.want`);
  const text = readFileSync(
    existsSync(sidecar) ? sidecar : path.join(folder, file),
    "utf8",
  );
  return [...text.matchAll(/^# want: (.+)$/gm)].map(([, want = ""]) => want);
}

describe("broken pipeline files", () => {
  it("are at least sixty", () => {
    expect(files.length).toBeGreaterThanOrEqual(60);
  });

  it.each(files)("%s reports its mistakes and their places", (file) => {
    const bytes = readFileSync(path.join(folder, file));
    const want = wantOf(file);
    expect(want).not.toEqual([]);

    const parsed = parsePipeline(bytes);

    const issues = parsed.ok ? [] : parsed.issues;
    expect(
      issues.map(({ code, line, column }) => `${code} ${line}:${column}`),
    ).toEqual(want);
    for (const { message } of issues) expect(message).toMatch(/\S/);
    const text = bytes.toString("utf8");
    expect(renderIssues(issues, { file, text })).toContain(`${file}:`);
  });

  it("are reported in the order of their places", () => {
    for (const file of files) {
      const parsed = parsePipeline(readFileSync(path.join(folder, file)));
      const places = parsed.ok
        ? []
        : parsed.issues.map(({ line, column }) => line * 1e6 + column);
      expect(places).toEqual([...places].sort((a, b) => a - b));
    }
  });
});

describe("a pipeline file beyond the limits", () => {
  it("is refused for its size before it is parsed", () => {
    const parsed = parsePipeline(`name: study\n${" ".repeat(4 * 2 ** 20)}`);

    expect(parsed).toMatchObject({
      ok: false,
      issues: [{ code: "yaml.too-large", line: 1, column: 1 }],
    });
  });

  it("is refused for nesting that would overflow the stack", () => {
    const parsed = parsePipeline(`name: ${"[".repeat(100_000)}`);

    expect(parsed.ok).toBe(false);
  });

  it("is refused for a product that would not fit into memory, without expanding it", () => {
    const axis = `[${Array.from({ length: 5000 }, (_, i) => i + 1).join(", ")}]`;
    const parsed = parsePipeline(
      `name: study
stages:
  photos: { kind: shard, with: { source: x, format: cifar10 } }
  pretrain:
    kind: pretrain
    inputs: { data: photos }
    with: { model: conv6, objective: { kind: colorize } }
    matrix: { batch: ${axis}, steps: ${axis}, epochs: ${axis} }
`,
    );

    expect(parsed).toMatchObject({
      ok: false,
      issues: [
        {
          code: "spec.too-large",
          message: expect.stringContaining(
            "batch 5,000 × steps 5,000 × epochs 5,000 = 125,000,000,000",
          ),
        },
      ],
    });
  });

  it("is refused for excluding so much that it would take minutes", () => {
    const axis = `[${Array.from({ length: 300 }, (_, i) => i + 1).join(", ")}]`;
    const entries = Array.from({ length: 1000 }, () => "{ batch: 1 }").join(
      ", ",
    );
    const parsed = parsePipeline(
      `name: study
stages:
  photos: { kind: shard, with: { source: x, format: cifar10 } }
  pretrain:
    kind: pretrain
    inputs: { data: photos }
    with: { model: conv6, objective: { kind: colorize } }
    matrix: { batch: ${axis}, steps: ${axis}, exclude: [${entries}] }
`,
    );

    expect(parsed).toMatchObject({
      ok: false,
      issues: [{ code: "spec.too-large", line: 8, column: 5 }],
    });
  });
});
