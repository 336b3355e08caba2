import { describe, expect, it } from "vitest";
import { canonicalBytes, canonicalJson, taskKey } from "../../src/plan/keys.ts";
import type { KeyIngredients } from "../../src/plan/keys.ts";

const ingredients: KeyIngredients = {
  kind: "finetune",
  contract: 1,
  paramsJson: '{"labels":10}',
  sources: {},
  seed: 5,
  part: null,
  inputs: { weights: ["ab"], data: ["cd"] },
};

describe("canonical JSON", () => {
  it("has one text per value, whatever the order of keys", () => {
    expect(canonicalJson({ b: [1, { d: null, c: "x" }], a: true })).toBe(
      '{"a":true,"b":[1,{"c":"x","d":null}]}',
    );
  });

  it("is encoded as UTF-8", () => {
    expect(canonicalBytes("ß")).toEqual(new Uint8Array([34, 195, 159, 34]));
  });
});

describe("a key", () => {
  it("is the same today as when the first artifact was stored", () => {
    expect(taskKey(ingredients)).toBe(
      "82cf9aad49bc73327f3742765023184781f6ec1b6dea11630527983b4803746f",
    );
  });

  it.each<[string, Partial<KeyIngredients>]>([
    ["kind", { kind: "evaluate" }],
    ["contract", { contract: 2 }],
    ["parameter", { paramsJson: '{"labels":50}' }],
    ["source", { sources: { source: "x" } }],
    ["seed", { seed: 6 }],
    ["absent seed", { seed: null }],
    ["part", { part: { index: 0, count: 1 } }],
    ["input", { inputs: { weights: ["ab"], data: ["ce"] } }],
    ["input's name", { inputs: { model: ["ab"], data: ["cd"] } }],
    ["name of what is gathered", { inputs: { data: [["cd", "stage", {}]] } }],
  ])("differs with another %s", (_what, change) => {
    expect(taskKey({ ...ingredients, ...change })).not.toBe(
      taskKey(ingredients),
    );
  });
});
