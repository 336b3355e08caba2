/** Pairs of `test/golden/plan`: a pipeline and the plan that it must become, to the byte. UPDATE_GOLDEN=1 rewrites. */
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { planFromJson, planToJson } from "../../src/plan/serialize.ts";
import { expectGolden } from "../support/golden.ts";
import { planOf } from "../support/specs.ts";

const root = path.join(import.meta.dirname, "..", "..");
const golden = globSync("test/golden/plan/*.yaml", { cwd: root });
const shipped = globSync("pipelines/**/*.yaml", { cwd: root });

function planOfFile(file: string) {
  return planOf(readFileSync(path.join(root, file), "utf8"));
}

describe("golden plans", () => {
  it.each(golden)("%s becomes the plan beside it", async (file) => {
    const name = path.basename(file, ".yaml");

    await expectGolden(`plan/${name}.json`, planToJson(planOfFile(file)));
  });
});

describe("plans as JSON", () => {
  it.each([...golden, ...shipped])("%s survives it", (file) => {
    const plan = planOfFile(file);

    const again = planFromJson(planToJson(plan));

    expect(again).toEqual(plan);
    expect(planToJson(again)).toBe(planToJson(plan));
  });

  it("are refused if a byte has changed", () => {
    const json = planToJson(planOfFile("test/golden/plan/two-stages.yaml"));

    expect(() => planFromJson(json.replace('"train"', '"test"'))).toThrow(
      expect.objectContaining({ code: "plan.corrupt" }),
    );
    expect(() => planFromJson(json.slice(0, -20))).toThrow(
      expect.objectContaining({ code: "plan.corrupt" }),
    );
    expect(() => planFromJson("")).toThrow(
      expect.objectContaining({ code: "plan.corrupt" }),
    );
  });
});
