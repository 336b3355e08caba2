import { expect, test } from "vitest";
import {
  geometryOf,
  placesOf,
  unitsOf,
  widthOf,
} from "../../src/model/network.ts";
import { networkOf } from "../../src/model/networks.ts";
import { withFieldOfView } from "../../src/model/networks/field-of-view.ts";
import { encoderDeclarations } from "../../src/model/encoder-weights.ts";
import { parameterCount, sizeOf } from "../../src/model/weights.ts";
import {
  modelOptionsOf,
  type ModelChoice,
} from "../../src/spec/params/params-model.ts";

const choose = (options: object) =>
  networkOf(Object.assign({}, modelOptionsOf("vgg16"), options));

const widthsOf = (model: ModelChoice) => {
  const layers = geometryOf(networkOf(model));
  return layers.map(({ name, stride, width }) => `${name}@${stride} ${width}`);
};

// Paper, section 1.6.
test("the hypercolumn of VGG-16 is 12,417 wide and reads the layers of the table", () => {
  expect(widthOf(geometryOf(networkOf("vgg16")))).toBe(12_417);
  expect(widthsOf("vgg16")).toEqual([
    "input@1 1",
    "conv1_1@1 64",
    "conv1_2@1 64",
    "conv2_1@2 128",
    "conv2_2@2 128",
    "conv3_1@4 256",
    "conv3_2@4 256",
    "conv3_3@4 256",
    "conv4_1@8 512",
    "conv4_2@8 512",
    "conv4_3@8 512",
    "conv5_1@16 512",
    "conv5_2@16 512",
    "conv5_3@16 512",
    "fc6@32 4096",
    "fc7@32 4096",
  ]);
});

test("the hypercolumn of AlexNet is 9,568 wide and the input's channels", () => {
  expect(widthOf(geometryOf(networkOf("alexnet")))).toBe(9_568 + 1);
  const colour = choose({ ...modelOptionsOf("alexnet"), input: "rgb" });
  expect(widthOf(geometryOf(colour))).toBe(9_568 + 3);
  expect(widthsOf("alexnet").map((name) => name.split(" ")[0])).toEqual([
    "input@1",
    "conv1@4",
    "conv2@8",
    "conv3@16",
    "conv4@16",
    "conv5@16",
    "fc6@32",
    "fc7@32",
  ]);
});

test("the hypercolumn of ResNet-152 is 11,584 wide and reads the blocks of the table", () => {
  const layers = geometryOf(networkOf("resnet152"));
  expect(widthOf(layers)).toBe(11_584);
  expect(layers.map(({ name, stride }) => `${name}@${stride}`)).toEqual([
    "conv1@2",
    ...["a", "b", "c"].map((block) => `res2${block}@4`),
    ...["b1", "b4", "b7"].map((block) => `res3${block}@8`),
    ...[5, 10, 15, 20, 25, 30, 35].map((block) => `res4b${block}@16`),
    "res5c@32",
  ]);
});

// Paper, section 2.4.
test.each([
  ["alexnet", "conv5", 163, 16],
  ["alexnet", "pool5", 195, 32],
  ["alexnet", "fc7", 355, 32],
  ["alexnet", "conv8_1", 515, 64],
  ["alexnet", "conv9_1", 835, 128],
  ["vgg16", "conv5_3", 196, 16],
  ["vgg16", "pool5", 212, 32],
  ["vgg16", "fc7", 404, 32],
  ["vgg16", "conv8_1", 564, 64],
  ["vgg16", "conv9_1", 884, 128],
  ["resnet152", "res4b35", 1315, 16],
  ["resnet152", "res5c", 1507, 32],
  ["resnet152", "conv8_1", 1667, 64],
  ["resnet152", "conv9_1", 1987, 128],
] as const)("%s, %s: a cell sees %d pixels, one every %d", (...row) => {
  const [model, layer, receptiveField, stride] = row;
  const network = withFieldOfView(networkOf(model), { blocks: 2 });
  expect(placesOf(network).get(layer)).toMatchObject({
    receptiveField,
    stride,
  });
});

test("two blocks of a wider field add 2,048 to the hypercolumn, behind everything else", () => {
  const network = networkOf("resnet152");
  const wider = geometryOf(withFieldOfView(network, { blocks: 2 }));
  expect(widthOf(wider)).toBe(11_584 + 2_048);
  expect(wider.slice(-2).map(({ name }) => name)).toEqual([
    "conv8_1",
    "conv9_1",
  ]);
});

test("cells of VGG-16 are centred; those of ResNets begin at pixel 0 wherever the stride sits", () => {
  for (const { stride, offset } of geometryOf(networkOf("vgg16")))
    expect(offset).toBe((stride - 1) / 2);
  for (const stride of ["1x1", "3x3"]) {
    const network = choose({ ...modelOptionsOf("resnet50"), stride });
    for (const { offset } of geometryOf(network)) expect(offset).toBe(0);
  }
});

test("AlexNet has its published weights: 60,965,224 with three channels and a classifier for 1,000 classes", () => {
  const network = choose({ ...modelOptionsOf("alexnet"), input: "rgb" });
  const classifier = 4096 * 1000 + 1000;
  expect(parameterCount(encoderDeclarations(network)) + classifier).toBe(
    60_965_224,
  );
});

test("torchvision's AlexNet has its published weights too: 61,100,840", () => {
  const network = choose({
    ...modelOptionsOf("alexnet"),
    input: "rgb",
    batchNorm: "none",
    filters: "torchvision",
  });
  const classifier = 4096 * 1000 + 1000;
  expect(parameterCount(encoderDeclarations(network)) + classifier).toBe(
    61_100_840,
  );
});

test("VGG-16 and ResNets have as many weights as torchvision's", () => {
  const count = (options: object) =>
    parameterCount(encoderDeclarations(choose({ ...options, input: "rgb" })));
  const vgg = modelOptionsOf("vgg16");
  expect(count(vgg) + 4096 * 1000 + 1000).toBe(138_357_544);
  expect(count({ ...vgg, batchNorm: "trainable" })).toBe(
    138_357_544 - 4096 * 1000 - 1000 + 2 * (4224 + 2 * 4096),
  );
  const classifier = 2048 * 1000 + 1000;
  expect(count(modelOptionsOf("resnet50")) + classifier).toBe(25_557_032);
  expect(count(modelOptionsOf("resnet101")) + classifier).toBe(44_549_160);
  expect(count(modelOptionsOf("resnet152")) + classifier).toBe(60_192_808);
});

test("the stride of a ResNet's stage sits in the first 1x1 unless it is asked for in the 3x3", () => {
  const stridesOf = (stride: string) =>
    unitsOf(choose({ ...modelOptionsOf("resnet50"), stride }))
      .filter(({ name }) => name.startsWith("res3a/"))
      .map(({ name, stride: own }) => `${name} ${own}`);
  expect(stridesOf("1x1")).toEqual([
    "res3a/branch1 2",
    "res3a/branch2a 2",
    "res3a/branch2b 1",
    "res3a/branch2c 1",
  ]);
  expect(stridesOf("3x3")).toEqual([
    "res3a/branch1 2",
    "res3a/branch2a 1",
    "res3a/branch2b 2",
    "res3a/branch2c 1",
  ]);
});

test.each(["conv6", "alexnet", "vgg16", "resnet50"] as const)(
  "%s at a quarter of the width has a quarter of every layer's, and groups that divide",
  (name) => {
    const full = unitsOf(networkOf(name));
    const narrow = unitsOf(choose({ ...modelOptionsOf(name), width: 0.25 }));
    for (const [i, { width, groups, inputs }] of narrow.entries()) {
      expect(width).toBe((full[i]?.width ?? 0) / 4);
      expect(width % groups).toBe(0);
      expect(inputs % groups).toBe(0);
    }
  },
);

test("at half the depth every stage keeps half of its layers, at least one, and the strides stay", () => {
  const strides = (options: object) => [
    ...new Set(geometryOf(choose(options)).map(({ stride }) => stride)),
  ];
  for (const name of ["alexnet", "vgg16", "resnet152"] as const) {
    const full = modelOptionsOf(name);
    expect(strides({ ...full, depth: 0.5 })).toEqual(strides(full));
    expect(strides({ ...full, depth: 0.01 })).toEqual(strides(full));
  }
  const names = unitsOf(choose({ ...modelOptionsOf("vgg16"), depth: 0.5 })).map(
    ({ name }) => name,
  );
  expect(names).toContain("conv5_2");
  expect(names).not.toContain("conv5_3");
});

test("without the padding of a convolutional network, a classifier's own size gives one cell", () => {
  const kernels = encoderDeclarations(
    choose({ ...modelOptionsOf("alexnet"), mode: "classification" }),
  );
  const same = encoderDeclarations(networkOf("alexnet"));
  // The two modes share their weights: a fully connected layer is a convolution of the map's size.
  expect(kernels).toEqual(same);
  const fc6 = same.find(({ name }) => name === "fc6/weight");
  expect(fc6?.shape).toEqual([6, 6, 256, 4096]);
  expect(sizeOf(fc6?.shape ?? [])).toBe(256 * 6 * 6 * 4096);
});
