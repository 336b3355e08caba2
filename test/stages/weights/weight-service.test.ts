import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TensorData } from "../../../src/store/artifacts/safetensors-header.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
} from "../../../src/store/artifacts/safetensors.ts";
import { encodePng } from "../../../src/data/pixels/decode.ts";
import {
  encoderDeclarations,
  statisticsDeclarations,
} from "../../../src/model/encoder-weights.ts";
import { networkOf } from "../../../src/model/networks.ts";
import { createWeights } from "../../../src/model/weights.ts";
import { modelOptionsOf } from "../../../src/spec/params/params-model.ts";
import { encodeWeightFile } from "../../../src/stages/weights/_weight-file.ts";
import { writeFeatures } from "../../../src/stages/weights/features.ts";
import {
  exportWeights,
  importWeights,
} from "../../../src/stages/weights/weight-service.ts";
import { engineDirectory } from "../../support/training-stages.ts";
import {
  scales,
  tensorNames,
  torchvisionFile,
  type Arch,
} from "../../support/torchvision-files.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "weights-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});
const at = (name: string) => path.join(folder, name);

async function importOf(arch: Arch, bytes: Uint8Array) {
  await writeFile(at("theirs"), bytes);
  return await importWeights({
    file: at("theirs"),
    arch,
    names: "torchvision",
    output: at("ours"),
    scale: scales[arch],
  });
}
const exportOf = async (source: string) => {
  await exportWeights({
    source: { file: at(source) },
    names: "torchvision",
    output: at("back"),
  });
  return new Uint8Array(await readFile(at("back")));
};

test.each(Object.keys(scales) as Arch[])(
  "%s: what was imported is exported with the bytes that it had",
  async (arch) => {
    const theirs = torchvisionFile(arch);
    await importOf(arch, theirs);
    expect(await exportOf("ours")).toEqual(theirs);
  },
);

test("a file's own metadata comes back whatever its names are", async () => {
  const { tensors } = decodeSafetensors(torchvisionFile("vgg16"));
  const metadata = JSON.parse('{"__proto__":"a","1":"b"}') as Record<
    string,
    string
  >;
  const bytes = encodeSafetensors(tensors, metadata);
  await importOf("vgg16", bytes);
  expect(await exportOf("ours")).toEqual(bytes);
});

test("a file without a classifier, or of one channel, is one too", async () => {
  const bytes = torchvisionFile("resnet50", (tensors) => {
    tensors.delete("fc.weight");
    tensors.delete("fc.bias");
    const conv1 = tensors.get("conv1.weight") as TensorData;
    tensors.set("conv1.weight", {
      ...conv1,
      shape: [4, 1, 7, 7],
      bytes: conv1.bytes.subarray(0, 4 * 49 * 4),
    });
  });
  const { model } = await importOf("resnet50", bytes);
  expect(model).toMatchObject({ input: "gray", stride: "3x3" });
  expect(await exportOf("ours")).toEqual(bytes);
});

describe("what is not such a file is refused, and the error says why", () => {
  test.each<[string, Arch, (tensors: Map<string, TensorData>) => void, object]>(
    [
      [
        "a tensor is missing",
        "vgg16",
        (tensors) => tensors.delete("features.3.bias"),
        { code: "weights.mismatch", message: "no tensor 'features.3.bias'" },
      ],
      [
        "a tensor is one too many",
        "vgg16",
        (tensors) =>
          tensors.set("features.99.bias", {
            dtype: "F32",
            shape: [0],
            bytes: new Uint8Array(),
          }),
        { code: "weights.mismatch", message: "features.99.bias" },
      ],
      [
        "a shape is another",
        "resnet50",
        (tensors) => {
          const bias = tensors.get("bn1.bias") as TensorData;
          tensors.set("bn1.bias", { ...bias, shape: [2, 2] });
        },
        {
          code: "weights.mismatch",
          message: "'bn1.bias' as [2, 2], expected [4]",
        },
      ],
      [
        "numbers are of another type",
        "alexnet",
        (tensors) =>
          tensors.set("features.0.bias", {
            dtype: "F16",
            shape: [2],
            bytes: new Uint8Array(4),
          }),
        { code: "weights.type", message: "as F16, expected F32" },
      ],
      [
        "the first convolution reads two channels",
        "alexnet",
        (tensors) =>
          tensors.set("features.0.weight", {
            dtype: "F32",
            shape: [2, 2, 11, 11],
            bytes: new Uint8Array(2 * 2 * 121 * 4),
          }),
        { code: "weights.mismatch", message: "for 2 channels" },
      ],
      [
        "it is another network's",
        "resnet50",
        (tensors) => {
          tensors.clear();
        },
        { code: "weights.mismatch", message: "no first convolution" },
      ],
    ],
  )("%s", async (_name, arch, change, want) => {
    const { code, message } = want as { code: string; message: string };
    await expect(
      importOf(arch, torchvisionFile(arch, change)),
    ).rejects.toMatchObject({
      name: "UserError",
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  test("it is cut off", async () => {
    const bytes = torchvisionFile("vgg16");
    await expect(
      importOf("vgg16", bytes.subarray(0, bytes.length - 1)),
    ).rejects.toMatchObject({
      code: "safetensors.invalid",
      message: expect.stringContaining(at("theirs")) as string,
    });
  });

  test("it is not there, or nobody knows the architecture", async () => {
    const request = {
      arch: "vgg16",
      names: "torchvision",
      output: at("ours"),
      scale: {},
    } as const;
    await expect(
      importWeights({ ...request, file: at("nowhere") }),
    ).rejects.toMatchObject({ code: "file.refused" });
    await expect(
      importWeights({ ...request, file: at("theirs"), arch: "constructor" }),
    ).rejects.toMatchObject({
      code: "weights.arch",
      hint: expect.stringContaining("resnet152") as string,
    });
  });

  test("a torchvision file is taken for one of ours", async () => {
    await writeFile(at("theirs"), torchvisionFile("vgg16"));
    await expect(exportOf("theirs")).rejects.toMatchObject({
      code: "weights.unknown-model",
      hint: expect.stringContaining("weights import") as string,
    });
  });
});

describe("what torchvision has no place for", () => {
  const small = { width: 1 / 32 } as const;
  const fileOf = (options: Parameters<typeof networkOf>[0]) => {
    const network = networkOf(options);
    const declared = [
      ...encoderDeclarations(network),
      ...statisticsDeclarations(network),
    ];
    const weights = createWeights(declared, 1);
    return encodeWeightFile({ network, weights, foreign: null });
  };

  test("batch norm without parameters is folded into the weights", async () => {
    const options = { ...modelOptionsOf("vgg16"), ...small, depth: 0.5 };
    await writeFile(at("ours"), fileOf(options));
    const { tensors, metadata } = decodeSafetensors(await exportOf("ours"));
    const names = tensorNames("vgg16");
    const encoder = names.filter((name) => !name.startsWith("classifier.6"));
    expect([...tensors.keys()].sort()).toEqual(encoder.sort());
    expect(metadata).toEqual({ format: "pt" });
  });

  test.each([
    [
      "batch norm behind fc6",
      { ...modelOptionsOf("vgg16"), ...small, batchNorm: "trainable" },
    ],
    ["the network conv6", { ...modelOptionsOf("conv6"), ...small }],
  ] as const)("%s is refused by name", async (what, options) => {
    await writeFile(at("ours"), fileOf(options));
    await expect(exportOf("ours")).rejects.toMatchObject({
      code: "weights.no-place",
      message: expect.stringContaining(what) as string,
    });
  });
});

describe("a fine-tuned model", () => {
  const network = networkOf({
    ...modelOptionsOf("vgg16"),
    width: 1 / 32,
    depth: 0.5,
    batchNorm: "none",
  });
  const above = ["conv8_1/weight", "head/hidden/weight", "head/classes/bias"];
  const write = async (more: readonly (readonly [string, number[]])[]) => {
    const weights = createWeights(
      [
        ...encoderDeclarations(network),
        ...more.map(([name, shape]) => ({ name, shape, init: "one" as const })),
      ],
      1,
    );
    await writeFile(
      at("finetuned"),
      encodeWeightFile({ network, weights, foreign: null }),
    );
  };
  const exportIn = async (names: "torchvision" | "hueline") => {
    const source = { file: at("finetuned") };
    const { leftOut } = await exportWeights({
      source,
      names,
      output: at("back"),
    });
    const bytes = new Uint8Array(await readFile(at("back")));
    return { leftOut, names: [...decodeSafetensors(bytes).tensors.keys()] };
  };

  test("keeps what stands above the encoder under our names; torchvision's leave it out, and say so", async () => {
    await write(above.map((name) => [name, [2, 2]]));
    const own = await exportIn("hueline");
    expect(own.leftOut).toEqual([]);
    expect(own.names).toEqual(expect.arrayContaining(above));
    const theirs = await exportIn("torchvision");
    expect(theirs.leftOut.toSorted()).toEqual(above.toSorted());
    const encoder = tensorNames("vgg16").filter(
      (name) => !name.startsWith("classifier.6"),
    );
    expect(theirs.names.toSorted()).toEqual(encoder.toSorted());
  });

  test("has torchvision's classifier if it reads the last layer, and none if it reads several", async () => {
    const classifierOf = (inputs: number) =>
      write([
        ["classifier/weight", [inputs, 3]],
        ["classifier/bias", [3]],
      ]);
    await classifierOf(128);
    const last = await exportIn("torchvision");
    expect(last.leftOut).toEqual([]);
    expect(last.names).toContain("classifier.6.weight");
    await classifierOf(300);
    const several = await exportIn("torchvision");
    expect(several.leftOut.toSorted()).toEqual([
      "classifier/bias",
      "classifier/weight",
    ]);
    expect(several.names).not.toContain("classifier.6.weight");
  });
});

describe("features", () => {
  const png = (width: number, height: number) =>
    encodePng({
      width,
      height,
      pixels: Uint8Array.from(
        { length: width * height * 3 },
        (_, i) => i % 251,
      ),
    });
  const featuresOf = async (layer: string, images: readonly string[]) => {
    const engine = { directory: engineDirectory(), threads: 1 };
    return await writeFeatures({
      source: { file: at("ours") },
      images,
      layer,
      output: at("features"),
      engine,
    });
  };

  test("are one tensor for each image, of the size that the image has, under the name of its file", async () => {
    await importOf("resnet50", torchvisionFile("resnet50"));
    await writeFile(at("a.png"), await png(70, 45));
    await writeFile(at("b.png"), await png(64, 64));
    const written = await featuresOf("layer4", [at("a.png"), at("b.png")]);
    const { tensors, metadata } = decodeSafetensors(
      new Uint8Array(await readFile(at("features"))),
    );
    expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual([
      ["a.png", [2, 3, 128]],
      ["b.png", [2, 2, 128]],
    ]);
    expect(metadata).toEqual({ layer: "layer4", layout: "HWC" });
    expect(written.map(({ shape }) => shape)).toEqual([
      [2, 3, 128],
      [2, 2, 128],
    ]);
  });

  test("of a layer that is not there name those that are; two images of one name are refused", async () => {
    await importOf("vgg16", torchvisionFile("vgg16"));
    await expect(featuresOf("layer4", [at("a.png")])).rejects.toMatchObject({
      code: "features.layer",
      hint: expect.stringContaining("pool5, fc6, fc7") as string,
    });
    await expect(
      featuresOf("pool5", [at("a.png"), at("x/a.png")]),
    ).rejects.toMatchObject({ code: "features.same-name" });
    await expect(featuresOf("pool5", [at("theirs")])).rejects.toMatchObject({
      code: "features.image",
    });
  });
});
