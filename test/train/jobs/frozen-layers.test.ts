/** Which convolutions stay as they are, on chains and residual networks, by names of ours and of others. */
import { describe, expect, test } from "vitest";
import { unitsOf } from "../../../src/model/network.ts";
import { networkOf } from "../../../src/model/networks.ts";
import { frozenConvolutions } from "../../../src/train/jobs/frozen-layers.ts";

const vgg16 = networkOf("vgg16");
const resnet50 = networkOf("resnet50");
const conv = (group: number, count: number) =>
  Array.from({ length: count }, (_, i) => `conv${group}_${i + 1}`);

describe("the ladder of Table 6", () => {
  test.each([
    ["all", []],
    ["conv1_1", []],
    ["conv4_1", [...conv(1, 2), ...conv(2, 2), ...conv(3, 3)]],
    [
      "fc6",
      [
        ...conv(1, 2),
        ...conv(2, 2),
        ...conv(3, 3),
        ...conv(4, 3),
        ...conv(5, 3),
      ],
    ],
    ["none", unitsOf(vgg16).map(({ name }) => name)],
  ])("trained from %s, the layers in front of it stay", (trainFrom, want) => {
    expect([...frozenConvolutions(vgg16, trainFrom)]).toEqual(want);
  });
});

test("a pool is a layer to begin at: it has nothing to train, what stands above it has", () => {
  expect([...frozenConvolutions(vgg16, "pool1")]).toEqual(conv(1, 2));
});

test("of a residual block all convolutions go together, the projection too", () => {
  const frozen = frozenConvolutions(resnet50, "res2b");
  expect([...frozen]).toEqual([
    "conv1",
    "res2a/branch1",
    "res2a/branch2a",
    "res2a/branch2b",
    "res2a/branch2c",
  ]);
});

test("names of other people's programs mean the last block of a stage", () => {
  expect(frozenConvolutions(resnet50, "layer4")).toEqual(
    frozenConvolutions(resnet50, "res5c"),
  );
});

test.each(["input", "conv9", "conv1_1/weight", ""])(
  "'%s' is no layer that could be trained, and the hint has those that are",
  (trainFrom) => {
    expect(() => frozenConvolutions(vgg16, trainFrom)).toThrow(
      expect.objectContaining({
        code: "finetune.unknown-layer",
        message: expect.stringContaining(`found '${trainFrom}'`) as string,
        hint: expect.stringContaining("pool5, fc6, fc7") as string,
      }),
    );
  },
);
