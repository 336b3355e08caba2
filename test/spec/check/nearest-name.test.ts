import { describe, expect, it } from "vitest";
import { nearestName, suggest } from "../../../src/spec/check/nearest-name.ts";

const names = ["pretrain", "finetune", "evaluate", "report"];

describe("the nearest name", () => {
  it.each([
    ["pretrian", "pretrain", "two letters are swapped"],
    ["Pretrain", "pretrain", "the case differs"],
    ["fine-tune", "finetune", "a letter is too many"],
    ["raport", "report", "a letter is wrong"],
    ["evaluat", "evaluate", "a letter is missing"],
  ])("of %s is %s: %s", (written, want) => {
    expect(nearestName(written, names)).toBe(want);
  });

  it.each(["x", "shard", "a".repeat(1000)])(
    "of %s is none: nothing is near enough",
    (written) => {
      expect(nearestName(written, names)).toBeNull();
    },
  );

  it("gives way to the list of what is known", () => {
    expect(suggest("shard", names)).toBe(
      "known: pretrain, finetune, evaluate, report",
    );
    expect(suggest("shard", [])).toBeUndefined();
  });
});
