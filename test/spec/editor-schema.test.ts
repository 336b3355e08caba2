/** The schema that editors use: committed as generated, right about every file that the parser accepts. */
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { createEditorSchema } from "../../src/spec/editor-schema.ts";
import { parseYaml } from "../../src/spec/text/yaml-document.ts";
import { violations } from "../support/json-schema.ts";

const root = path.join(import.meta.dirname, "..", "..");
const schema = createEditorSchema();
const accepted = [
  ...globSync("pipelines/**/*.yaml", { cwd: root }),
  ...globSync("test/golden/plan/*.yaml", { cwd: root }),
];

function valueOf(file: string): unknown {
  const parsed = parseYaml(readFileSync(path.join(root, file), "utf8"));
  if (!parsed.ok) throw new Error(`${file} is no YAML`);
  return parsed.document.value;
}

describe("the editor schema", () => {
  it("is committed as the declarations generate it", () => {
    execFileSync(process.execPath, ["scripts/generate-schema.ts", "--check"], {
      cwd: root,
    });
  });

  it.each(accepted)("accepts %s", (file) => {
    expect(violations(schema, valueOf(file))).toEqual([]);
  });

  it.each([
    ["mistyped-top-level-key", "unknown keys"],
    ["kind-mistyped", "unknown kinds"],
    ["unknown-stage-key", "unknown keys of a stage"],
    ["param-unknown", "unknown parameters"],
    ["param-nested-unknown", "unknown keys inside parameters"],
    ["param-not-a-choice", "values that are no choice"],
    ["param-out-of-range", "numbers out of range"],
    ["axis-is-no-parameter", "axes that are no parameters"],
    ["input-missing", "absent inputs"],
    ["input-unknown", "unknown inputs"],
    ["seeds-on-a-kind-without-randomness", "seeds where nothing is random"],
    ["no-stages", "files without stages"],
  ])("refuses %s.yaml: %s", (name) => {
    const broken = valueOf(`test/spec/broken/${name}.yaml`);

    expect(violations(schema, broken)).not.toEqual([]);
  });

  it("accepts a reference wherever a parameter of the file may stand", () => {
    const pipeline = {
      name: "references",
      params: { steps: 10 },
      stages: {
        train: {
          kind: "pretrain",
          inputs: { data: "photos" },
          with: {
            model: "${params.model}",
            steps: "${params.steps}",
            optimizer: { learningRate: "${ params.rate }" },
            objective: { kind: "colorize", bins: "${params.bins}" },
          },
          matrix: { batch: "${params.batches}" },
        },
      },
    };

    expect(violations(schema, pipeline)).toEqual([]);
  });
});
