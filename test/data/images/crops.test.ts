import { describe, expect, it } from "vitest";
import { toCentralCrop, toCrop } from "../../../src/data/images/crops.ts";
import type { Crop } from "../../../src/data/loader/loader.ts";
import { pretrainParams } from "../../../src/spec/params/params-pretext.ts";
import { evaluateParams } from "../../../src/spec/params/params-downstream.ts";

const shorter = (min: number, max: number) => ({
  kind: "shorter-side" as const,
  min,
  max,
});
const training = (crop: Crop["scale"]): Crop => ({
  side: 224,
  scale: crop,
  place: "random",
  mirror: true,
});

describe("a stage's crop", () => {
  it.each([
    [
      "pretraining as in the paper: 352 of [352, 600)",
      "pretraining",
      352,
      shorter(352, 599),
    ],
    ["pretraining on small photographs", "pretraining", 48, shorter(48, 82)],
    [
      "classification as in the paper",
      "classification",
      227,
      { kind: "factor", min: 0.5, max: 2 },
    ],
    ["a measurement: 224 of 256", "measuring", 224, shorter(256, 256)],
  ] as const)(
    "without a scale is the recipe of %s",
    (_, recipe, side, want) => {
      const crop = toCrop({ side, place: "random" }, { recipe, mirror: true });
      expect(crop).toEqual({
        side,
        scale: want,
        place: "random",
        mirror: true,
      });
    },
  );

  it.each([
    ["none", { kind: "none" }],
    [{ shorterSide: 256 }, shorter(256, 256)],
    [{ shorterSide: [352, 599] }, shorter(352, 599)],
    [{ factor: [0.5, 2] }, { kind: "factor", min: 0.5, max: 2 }],
    [{ area: [0.35, 1] }, { kind: "area", min: 0.35, max: 1, ratio: 4 / 3 }],
  ])("with the scale %j is what it says", (scale, want) => {
    const { crop } = pretrainParams.parse({
      model: "conv6",
      objective: { kind: "colorize" },
      steps: 1,
      crop: { side: 96, scale },
    });
    const made = toCrop(crop as NonNullable<typeof crop>, {
      recipe: "pretraining",
      mirror: false,
    });
    expect(made.scale).toEqual(want);
  });

  it.each([
    ["an upside-down range", { side: 96, scale: { shorterSide: [200, 100] } }],
    ["a side of no pixels", { side: 0 }],
    ["a scale that there is not", { side: 96, scale: { width: 100 } }],
    ["more area than there is", { side: 96, scale: { area: [0.5, 2] } }],
  ])("is refused with %s", (_, crop) => {
    expect(evaluateParams.safeParse({ crop }).success).toBe(false);
  });

  it("and a side for all images exclude each other", () => {
    const both = evaluateParams.safeParse({ side: 64, crop: { side: 64 } });
    expect(both.error?.issues[0]?.message).toMatch(/either side or crop/);
  });
});

describe("the same square without chance", () => {
  it.each([
    ["of no scale", { kind: "none" }, { kind: "none" }],
    ["of a range of sides: its middle", shorter(352, 599), shorter(476, 476)],
    [
      "of a range of factors: their geometric mean",
      { kind: "factor", min: 0.5, max: 2 },
      { kind: "factor", min: 1, max: 1 },
    ],
    [
      "of a share of the area: as in a measurement",
      { kind: "area", min: 0.35, max: 1, ratio: 4 / 3 },
      shorter(256, 256),
    ],
  ] as const)("%s", (_, scale, want) => {
    expect(toCentralCrop(training(scale))).toEqual({
      side: 224,
      scale: want,
      place: "centre",
      mirror: false,
    });
  });
});
